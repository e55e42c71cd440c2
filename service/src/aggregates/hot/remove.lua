-- Removes sealed generations that the database has, and records the name of the step that was written with them: a
-- database that does not have this step went back. Only if no other step has removed anything since they were read:
-- that step may have been written later, and then its name is the one to keep.
-- ARGV: epoch, the name that was recorded when they were read ('' for none), the step's name, the generations' names.
-- Answers how many it removed.
local noted = redis.call('HGET', state, 'removed') or ''
if not is_ready(ARGV[1]) or noted ~= ARGV[2] then return 0 end
local removed = 0
for i = 4, #ARGV do
    redis.call('DEL', p .. 'day:' .. ARGV[i])
    removed = removed + redis.call('SREM', p .. 'sealed', ARGV[i])
end
if removed > 0 then redis.call('HSET', state, 'removed', ARGV[3]) end
return removed
