-- wrk's script: every request refers another person under a key of its own.
-- Arguments behind `--`: the file with the body, the file with the bearer token, a text that no other run uses, ending in a letter
-- (digits after digits could look like a national number, which is refused).
-- The body has the mark @PERSON@ in the place of the person's pseudonym.

local before, after, head, run
local count = 0

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  return text
end

function init(args)
  local body = read(args[1])
  local from, to = body:find("@PERSON@", 1, true)
  before, after = body:sub(1, from - 1), body:sub(to + 1)
  run = args[3]
  -- The number is of fixed width, so that the length is the same for all.
  local length = #before + #after + #run + 9
  head = "POST /v1/referrals HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\nAuthorization: Bearer " .. read(args[2])
    .. "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\nIdempotency-Key: "
end

function request()
  count = count + 1
  local person = string.format("%s%09d", run, count)
  return head .. person .. "\r\n\r\n" .. before .. person .. after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"refused":%d,"failed":%d,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
