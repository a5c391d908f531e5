-- The load, and what wrk has measured. Arguments behind "--": a file of paths, asked in
-- turn, and "same" or "other": whether each request has a header that no other has.
-- Without arguments the path of the URL is asked, always by the same head.

local paths, head, tail, unique, turn, count = {}, "", "", false, 0, 0

function init(args)
    if #args == 0 then return end
    for line in io.lines(args[1]) do paths[#paths + 1] = line end
    unique = args[2] == "other"
    local lines = {"Host: " .. wrk.host .. ":" .. wrk.port}
    for name, value in pairs(wrk.headers) do
        if name ~= "Host" then lines[#lines + 1] = name .. ": " .. value end
    end
    tail = " HTTP/1.1\r\n" .. table.concat(lines, "\r\n") .. "\r\n"
    request = function()
        turn = turn % #paths + 1
        count = count + 1
        if unique then
            return "GET " .. paths[turn] .. tail .. "X-Request-Id: " .. count .. "\r\n\r\n"
        end
        return "GET " .. paths[turn] .. tail .. "\r\n"
    end
end

-- One line of JSON: microseconds, and counts.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'JSON {"duration": %d, "requests": %d, "p50": %d, "p99": %d, "errors": %d}\n',
        summary.duration, summary.requests,
        latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
