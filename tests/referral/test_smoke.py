from tests.referral.desk import *
async def test_x(desk):
    print(await desk.in_each_state())
