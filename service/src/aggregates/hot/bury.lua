-- Moves a message that cannot be applied from the queue to the dead letters, of which about the last ones are kept.
-- ARGV: its id, how many dead letters to keep. Answers 1 if the message was there, otherwise 0.
local queue = p .. 'queue'
local entry = redis.call('XRANGE', queue, ARGV[1], ARGV[1])[1]
if entry then
    redis.call('XADD', p .. 'dead', 'MAXLEN', '~', ARGV[2], '*', 'id', ARGV[1], unpack(entry[2]))
end
redis.call('XACK', queue, 'appliers', ARGV[1])
redis.call('XDEL', queue, ARGV[1])
return entry and 1 or 0
