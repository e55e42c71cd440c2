-- Takes messages: first those that a consumer took and did not finish in time, then new ones.
-- ARGV: epoch, consumer, milliseconds after which a message is taken over, how many.
-- Answers 'ready' or 'epoch_over', then for each message its id and its text, or false if it has another shape.
if not is_ready(ARGV[1]) then return {'epoch_over'} end
local queue = p .. 'queue'
local taken = {'ready'}
local left = tonumber(ARGV[4])
local function keep(entries)
    for _, entry in ipairs(entries or {}) do
        taken[#taken + 1] = entry[1]
        local fields = entry[2]
        taken[#taken + 1] = fields and #fields == 2 and fields[1] == 'block' and fields[2] or false
        left = left - 1
    end
end
keep(redis.call('XAUTOCLAIM', queue, 'appliers', ARGV[2], ARGV[3], '0', 'COUNT', left)[2])
if left > 0 then
    local fresh = redis.call('XREADGROUP', 'GROUP', 'appliers', ARGV[2], 'COUNT', left, 'STREAMS', queue, '>')
    if fresh then keep(fresh[1][2]) end
end
return taken
