-- 64 KB in chunks of 8 KB
local chunk = "2000\r\n" .. string.rep("x", 8192) .. "\r\n"

function init(args)
  local head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nTransfer-Encoding: chunked\r\n\r\n"
  request_bytes = head .. string.rep(chunk, 8) .. "0\r\n\r\n"
end

function request()
  return request_bytes
end
