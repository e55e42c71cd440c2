-- Hands out messages: first those that a consumer took and did not finish in time, then new ones.
-- ARGV: consumer, idle milliseconds after which a message is taken over, how many. Answers id, message or false, and so on.
local p = KEYS[1]
local queue = p .. 'queue'
redis.pcall('XGROUP', 'CREATE', queue, 'appliers', '0', 'MKSTREAM')
local taken = {}
local function keep(entries)
    for _, entry in ipairs(entries or {}) do
        taken[#taken + 1] = entry[1]
        local fields = entry[2]
        taken[#taken + 1] = fields and #fields == 2 and fields[1] == 'block' and fields[2] or false
    end
end
local limit = tonumber(ARGV[3])
keep(redis.call('XAUTOCLAIM', queue, 'appliers', ARGV[1], ARGV[2], '0', 'COUNT', limit)[2])
local left = limit - #taken / 2
if left > 0 then
    local fresh = redis.call('XREADGROUP', 'GROUP', 'appliers', ARGV[1], 'COUNT', left, 'STREAMS', queue, '>')
    if fresh then keep(fresh[1][2]) end
end
return taken
