-- Removes closed generations that the database has, and notes the id of the last one: a database that does not have it any
-- more went back. One that is gone already was removed by another archiver, and the database may have forgotten its id.
-- ARGV: epoch, their names.
for i = 2, #ARGV do
    redis.call('DEL', p .. 'day:' .. ARGV[i])
    if redis.call('SREM', p .. 'sealed', ARGV[i]) == 1 and epoch == ARGV[1] then
        redis.call('HSET', state, 'removed', string.match(ARGV[i], '/(.*)$'))
    end
end
return #ARGV - 1
