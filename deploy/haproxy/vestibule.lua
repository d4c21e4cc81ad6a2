-- Asks Vestibule's gate before a request goes on to an app. HAProxy 2.5 or later, and nothing else.
--
--   global      lua-load-per-thread /etc/haproxy/vestibule.lua
--   frontend    http-request lua.vestibule http://127.0.0.1:8080
--
-- Whom the gate lets through goes on, with the identity headers as the gate has set them and with nothing
-- that visitors write about themselves. Everybody else gets the gate's own answer: the way to the sign-in
-- page, a 401, a 403. When the gate cannot be asked, nobody gets through.

local IDENTITY = { "remote-user", "remote-email", "remote-name", "remote-groups", "vestibule-assertion" }

-- What the gate is shown of a visitor's own headers.
local SHOWN = { "cookie", "authorization", "accept", "upgrade", "sec-fetch-mode", "sec-fetch-dest", "x-requested-with",
    "referer", "x-request-id" }

-- Names that a visitor has no business using. A "_" or a "." is a "-" to many apps, so no name may have one.
local FORGED = { "^remote", "^vestibule", "^x%-forwarded%-", "^x%-original%-", "^x%-rewrite%-", "^x%-real%-ip$",
    "^forwarded$", "[^%w%-]" }

-- What belongs to the connection to the gate, or is worked out anew.
local NOT_PASSED_ON = { ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true,
    ["content-length"] = true, ["date"] = true }

local MILLISECONDS = 5000

local function answer_with(txn, status, headers, body)
    local reply = txn:reply({ status = status })
    for name, values in pairs(headers) do
        if not NOT_PASSED_ON[name] then
            for _, value in pairs(values) do
                reply:add_header(name, value)
            end
        end
    end
    if txn.sf:method() ~= "HEAD" then
        reply:set_body(body)
    end
    txn:done(reply)
end

-- "Connection: Remote-User" asks whoever comes next to take that header away.
local function names_what_is_ours(connection)
    for _, value in pairs(connection or {}) do
        local named = value:lower():gsub("_", "-")
        if named:find("remote-", 1, true) or named:find("x-forwarded-", 1, true) or named:find("vestibule-", 1, true) then
            return true
        end
    end
    return false
end

local function take_forged_away(txn, headers)
    for name in pairs(headers) do
        for _, pattern in ipairs(FORGED) do
            if name:find(pattern) then
                txn.http:req_del_header(name)
            end
        end
    end
end

-- The one Host there is. HAProxy has checked it against an absolute address.
local function host_of(headers)
    local hosts = headers["host"] or {}
    return hosts[1] == nil and hosts[0] or ""
end

local function scheme_of(txn)
    local is_tls = txn.f:ssl_fc()
    return (is_tls == 1 or is_tls == true) and "https" or "http"
end

local function question(txn, headers)
    local told = {
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-proto"] = { scheme_of(txn) },
        ["x-forwarded-host"] = { host_of(headers) },
        ["x-forwarded-uri"] = { txn.sf:pathq() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    for _, name in ipairs(SHOWN) do
        told[name] = headers[name]
    end
    if headers["upgrade"] then
        told["connection"] = { "upgrade" }
    end
    return told
end

-- The app is told who it is, or nothing at all.
local function set_identity(txn, answered)
    for _, name in ipairs(IDENTITY) do
        txn.http:req_del_header(name)
        local value = (answered[name] or {})[0] or ""
        if value ~= "" then
            txn.http:req_add_header(name, value)
        end
    end
end

local function has_all_of_identity(answered)
    for _, name in ipairs(IDENTITY) do
        if not answered[name] then
            return false
        end
    end
    return true
end

local function is_gate_cookie(pair)
    local name = pair:match("^%s*([^=]*)=")
    return name == "vestibule_gate" or name == "__Secure-vestibule_gate"
end

-- A token, or a password: ":vst_" in base64, which has three ways of writing it.
local function is_key(value)
    return value:lower():find("^bearer%s+vst_")
        or value:lower():find("^basic%s")
            and (value:find("OnZzdF[89+/]") or value:find("[DTjz]p2c3Rf") or value:find("6dnN0X[w-z0-9+/]"))
end

-- The gate's cookie and keys of Vestibule's are for the gate. The app's own reach the app.
local function keep_ours_from_the_app(txn, headers)
    txn.http:req_del_header("cookie")
    for _, line in pairs(headers["cookie"] or {}) do
        local kept = {}
        for pair in line:gmatch("[^;]+") do
            if not is_gate_cookie(pair) then
                kept[#kept + 1] = pair:match("^%s*(.*)$")
            end
        end
        if #kept > 0 then
            txn.http:req_add_header("cookie", table.concat(kept, "; "))
        end
    end
    for _, value in pairs(headers["authorization"] or {}) do
        if is_key(value) then
            txn.http:req_del_header("authorization")
        end
    end
end

-- Where the request came from and went to, for the app.
local function set_surroundings(txn, headers)
    txn.http:req_set_header("x-forwarded-for", txn.sf:src())
    txn.http:req_set_header("x-forwarded-proto", scheme_of(txn))
    txn.http:req_set_header("x-forwarded-host", host_of(headers))
end

core.register_action("vestibule", { "http-req" }, function(txn, at)
    local headers = txn.http:req_get_headers()
    if names_what_is_ours(headers["connection"]) then
        return answer_with(txn, 400, {}, "")
    end
    local answer = core.httpclient():get({
        url = at .. "/gateway/forward-auth",
        headers = question(txn, headers),
        timeout = MILLISECONDS,
    })
    if not answer or not answer.status or answer.status < 200 then
        return answer_with(txn, 503, {}, "")
    end
    if answer.status ~= 200 then
        return answer_with(txn, answer.status, answer.headers or {}, answer.body or "")
    end
    -- Something else answers there.
    if not has_all_of_identity(answer.headers or {}) then
        return answer_with(txn, 502, {}, "")
    end
    take_forged_away(txn, headers)
    set_surroundings(txn, headers)
    set_identity(txn, answer.headers)
    keep_ours_from_the_app(txn, headers)
end, 1)
