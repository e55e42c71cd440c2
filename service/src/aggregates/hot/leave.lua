-- Deletes a consumer, and others that were silent for long, if they have nothing unfinished.
-- ARGV: consumer ('' for none), milliseconds of silence. Answers how many it deleted.
local consumers = redis.pcall('XINFO', 'CONSUMERS', p .. 'queue', 'appliers')
if consumers.err then return 0 end
local gone = 0
for _, fields in ipairs(consumers) do
    local consumer = {}
    for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
    if consumer.pending == 0 and (consumer.name == ARGV[1] or consumer.idle > tonumber(ARGV[2])) then
        redis.call('XGROUP', 'DELCONSUMER', p .. 'queue', 'appliers', consumer.name)
        gone = gone + 1
    end
end
return gone
