-- Makes an epoch ready, once: deletes what older epochs have left, and adds the sums that are in none of the database's
-- own tables. Deletes the queue too; senders find that their blocks are not applied and queue them again.
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
