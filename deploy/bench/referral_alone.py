"""temporary"""
import asyncio, os, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
from services.chassis.clock import SystemClock
from services.chassis.http.app import common_routes, install_manners
from services.chassis.identity import Verifier
from services.chassis.oidc_issuer import OidcIssuer
from services.chassis.settings import Settings
from services.chassis.stores import Stores
from services.chassis.telemetry import Telemetry, configure_logging
from services.origin import Origin, merged_document
from services.referral.app import build
import uvicorn

def main(stores_class=Stores):
    settings = Settings()
    configure_logging(settings.log_level)
    keys = asyncio.run(OidcIssuer.connect(settings.issuer))
    stores = stores_class(settings.data)
    telemetry = Telemetry()
    app = build(settings, stores, stores.bus(), SystemClock(), Verifier(keys, settings.audience), telemetry)
    @asynccontextmanager
    async def lifespan(_):
        await app.state.service.start()
        if os.environ.get("PROF"):
            import cProfile
            p = cProfile.Profile()
            async def prof():
                await asyncio.sleep(3)
                p.enable(); await asyncio.sleep(6); p.disable(); p.dump_stats(os.environ["PROF"])
            t = asyncio.create_task(prof())
        yield
        await app.state.service.stop()
    own = FastAPI(title="x", version="1", lifespan=lifespan)
    own.include_router(common_routes({"referral": app.state.service}, telemetry))
    install_manners(own, settings.body_limit, telemetry)
    uvicorn.Server(uvicorn.Config(Origin(own, {"referral": app}), host=settings.host, port=settings.port, loop="uvloop", http="httptools", access_log=False, log_config=None, server_header=False)).run()
if __name__ == "__main__":
    if "none" in sys.argv:
        from deploy.bench.no_storage import NoStores
        main(NoStores)
    else: main()
