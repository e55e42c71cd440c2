-- Queues a block of an import, unless it is applied or queued already, or the queue is full.
-- ARGV: epoch, import, block, seconds to keep the mark, longest queue, '1' to queue it although it is, the message.
-- Answers what became of it and the version: applied, queued, waiting, full, gap (an earlier block is not applied), lost.
local p = KEYS[1]
local where = redis.call('HMGET', p .. 'state', 'epoch', 'ready', 'version')
if where[1] ~= ARGV[1] or where[2] ~= '1' then return {'lost', '0'} end
local block = tonumber(ARGV[3])
local expected = tonumber(redis.call('GET', p .. 'next:' .. ARGV[2]) or ARGV[3])
if block < expected then return {'applied', where[3]} end
if block > expected then return {'gap', where[3]} end
local queued = p .. 'queued:' .. ARGV[2]
if redis.call('GET', queued) == ARGV[3] and ARGV[6] ~= '1' then return {'waiting', where[3]} end
if redis.call('XLEN', p .. 'queue') >= tonumber(ARGV[5]) then return {'full', where[3]} end
redis.call('XADD', p .. 'queue', '*', 'block', ARGV[7])
redis.call('SET', queued, ARGV[3], 'EX', ARGV[4])
return {'queued', where[3]}
