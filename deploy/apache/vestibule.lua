-- Asks Vestibule's gate before a request goes on to an app: Apache httpd 2.4.47 or later with mod_lua, and
-- LuaSocket (Debian: lua-socket).
--
-- Whom the gate lets through goes on, with the identity headers as the gate has set them and with nothing
-- that visitors write about themselves. Everybody else gets the gate's own answer: the way to the sign-in
-- page, a 401, a 403. When the gate cannot be asked, nobody gets through.

require "apache2"
local http = require "socket.http"
local ltn12 = require "ltn12"

local IDENTITY = { "Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Vestibule-Assertion" }

-- What the gate is shown of a visitor's own headers.
local SHOWN = { "Cookie", "Authorization", "Accept", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-WebSocket-Key",
    "X-Requested-With", "Referer" }

-- Names that a visitor has no business using. A "_" or a "." is a "-" to many apps, so no name may have one.
local FORGED = { "^remote", "^vestibule", "^x%-forwarded%-", "^x%-original%-", "^x%-rewrite%-", "^x%-real%-ip$",
    "^x%-request%-id$", "^forwarded$", "[^%w%-]" }

-- What belongs to the connection to the gate, or is worked out anew.
local NOT_PASSED_ON = { ["connection"] = true, ["keep-alive"] = true, ["transfer-encoding"] = true,
    ["content-length"] = true, ["content-type"] = true, ["date"] = true, ["server"] = true }

http.TIMEOUT = 5

-- "Connection: Remote-User" asks whoever comes next to take that header away.
local function names_what_is_ours(connection)
    local named = (connection or ""):lower():gsub("_", "-")
    for _, ours in ipairs({ "remote-", "x-forwarded-", "vestibule-" }) do
        if named:find(ours, 1, true) then
            return true
        end
    end
    return false
end

-- The name of the virtual host, never what the visitor wrote into Host.
local function authority(r)
    local usual = r.is_https and 443 or 80
    return r.port == usual and r.server_name or r.server_name .. ":" .. r.port
end

local function ask(r, at)
    local told = {
        ["x-forwarded-method"] = r.method,
        ["x-forwarded-proto"] = r.is_https and "https" or "http",
        ["x-forwarded-host"] = authority(r),
        ["x-forwarded-uri"] = r.unparsed_uri,
        ["x-forwarded-for"] = r.useragent_ip,
    }
    for _, name in ipairs(SHOWN) do
        told[name:lower()] = r.headers_in[name]
    end
    local body = {}
    local done, status, headers = http.request({
        url = at .. "/gateway/forward-auth",
        headers = told,
        redirect = false,
        sink = ltn12.sink.table(body),
    })
    return done and status, headers, table.concat(body)
end

local function answer_with(r, status, headers, body)
    r.status = status
    for name, value in pairs(headers) do
        if not NOT_PASSED_ON[name] then
            r.err_headers_out[name] = value
        end
    end
    r.content_type = headers["content-type"] or "text/plain"
    r:write(body)
    return apache2.DONE
end

local function take_forged_away(r)
    local names = {}
    for name in pairs(r:headers_in_table()) do
        names[#names + 1] = name
    end
    for _, name in ipairs(names) do
        for _, pattern in ipairs(FORGED) do
            if name:lower():find(pattern) then
                r.headers_in[name] = nil
            end
        end
    end
end

-- A token, or a password: ":vst_" in base64, which has three ways of writing it.
local function is_key(value)
    return value:lower():find("^bearer%s+vst_")
        or value:lower():find("^basic%s")
            and (value:find("OnZzdF[89+/]") or value:find("[DTjz]p2c3Rf") or value:find("6dnN0X[w-z0-9+/]"))
end

-- The gate's cookie and keys of Vestibule's are for the gate. The app's own reach the app.
local function keep_ours_from_the_app(r)
    local kept = {}
    -- Apache joins several lines by a comma.
    local cookies = (r.headers_in["Cookie"] or ""):gsub(", *(vestibule_gate=)", "; %1")
    cookies = cookies:gsub(", *(__Secure%-vestibule_gate=)", "; %1"):gsub("(vestibule_gate=[^;,]*), *", "%1; ")
    for pair in cookies:gmatch("[^;]+") do
        local name = pair:match("^%s*([^=]*)=")
        if name ~= "vestibule_gate" and name ~= "__Secure-vestibule_gate" then
            kept[#kept + 1] = pair:match("^%s*(.*)$")
        end
    end
    r.headers_in["Cookie"] = #kept > 0 and table.concat(kept, "; ") or nil
    if is_key(r.headers_in["Authorization"] or "") then
        r.headers_in["Authorization"] = nil
    end
end

local function tell_the_app(r, answered)
    for _, name in ipairs(IDENTITY) do
        local value = answered[name:lower()]
        r.headers_in[name] = value ~= "" and value or nil
    end
    r.headers_in["X-Forwarded-For"] = r.useragent_ip
    r.headers_in["X-Forwarded-Proto"] = r.is_https and "https" or "http"
    r.headers_in["X-Forwarded-Host"] = authority(r)
end

-- Whether it goes to Vestibule and not to the app. Apache has settled that by now, however the path was written.
local function is_to_vestibule(r)
    local there = "proxy:" .. r.subprocess_env["VESTIBULE"] .. "/.vestibule/"
    return r.filename ~= nil and r.filename:sub(1, #there) == there
end

function check(r)
    if is_to_vestibule(r) then
        r.headers_in["X-Forwarded-For"] = r.useragent_ip
        r.headers_in["X-Forwarded-Proto"] = r.is_https and "https" or "http"
        return apache2.OK
    end
    if names_what_is_ours(r.headers_in["Connection"]) then
        return 400
    end
    local status, headers, body = ask(r, r.subprocess_env["VESTIBULE"])
    if not status then
        return 503
    end
    if status ~= 200 then
        return answer_with(r, status, headers, body)
    end
    for _, name in ipairs(IDENTITY) do
        -- Something else answers there.
        if not headers[name:lower()] then
            return 502
        end
    end
    take_forged_away(r)
    tell_the_app(r, headers)
    keep_ours_from_the_app(r)
    return apache2.OK
end
