-- Queues a block of an import, unless it is applied or queued already, or the queue is full.
-- ARGV: epoch, the import's key, the block's number, its digest, seconds to keep the next block's number, longest
-- queue, '1' to queue the block even if it is queued, '1' if the database stood at this block in this epoch, the
-- message.
-- Answers the outcome and the version: applied, queued, waiting, full, unknown (the epoch has no next block of this
-- import: only the database can tell whether this one is applied), out_of_sequence (it does not follow what is here),
-- epoch_over.
if not is_ready(ARGV[1]) then return {'epoch_over', '0'} end
local next_key, queued = p .. 'next:' .. ARGV[2], p .. 'queued:' .. ARGV[2]
local block = tonumber(ARGV[3])
local due, last = string.match(redis.call('GET', next_key) or '', '^(%d+):(.*)$')
due = tonumber(due)
if not due then
    if ARGV[8] ~= '1' then return {'unknown', version} end
    redis.call('SET', next_key, ARGV[3] .. ':', 'EX', ARGV[5])
    due = block
end
if block > due or (block == due - 1 and last ~= '' and last ~= ARGV[4]) then return {'out_of_sequence', version} end
if block < due then return {'applied', version} end
if redis.call('GET', queued) == ARGV[3] and ARGV[7] ~= '1' then return {'waiting', version} end
if redis.call('XLEN', p .. 'queue') >= tonumber(ARGV[6]) then return {'full', version} end
redis.call('XADD', p .. 'queue', '*', 'block', ARGV[9])
redis.call('SET', queued, ARGV[3], 'EX', ARGV[5])
return {'queued', version}
