-- Makes an epoch ready, once: whatever older ones have left goes, what the database has beyond its own tables comes.
-- Blocks that wait in the queue go too; their senders see that they are not applied and queue them again.
-- ARGV: epoch, newest day ('' for none), the mark in the journal, then the sums. Answers 'ready' or 'over'.
if epoch ~= ARGV[1] or stage == 'over' then return 'over' end
if stage == 'ready' then return 'ready' end
local open = redis.call('HGETALL', p .. 'open')
for i = 1, #open, 2 do redis.call('DEL', p .. 'day:' .. open[i] .. '/' .. open[i + 1]) end
for _, name in ipairs(redis.call('SMEMBERS', p .. 'sealed')) do redis.call('DEL', p .. 'day:' .. name) end
redis.call('DEL', p .. 'open', p .. 'sealed', p .. 'queue')
redis.call('XGROUP', 'CREATE', p .. 'queue', 'appliers', '0', 'MKSTREAM')
add_sums(4)
redis.call('SET', p .. 'mark', ARGV[3])
advance_newest(ARGV[2])
redis.call('HINCRBY', state, 'version', 1)
redis.call('HSET', state, 'stage', 'ready')
return 'ready'
