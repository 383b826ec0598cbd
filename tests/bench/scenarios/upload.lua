-- 64 KB with a Content-Length
wrk.method = "POST"
wrk.body = string.rep("x", 65536)
