-- Adds one block of an import to the totals, once. The import's next key holds the number of the next block and the
-- digest of the last one, and changes in the same step as the totals.
-- ARGV: epoch, the import's key, the block's number, its digest, seconds to keep the next key, the message's id, newest
-- day, then the sums.
-- Answers the outcome and the version: applied, already, out_of_sequence (it does not follow what is here), epoch_over.
if not is_ready(ARGV[1]) then return {'epoch_over', '0'} end
local next_key = p .. 'next:' .. ARGV[2]
local number = tonumber(ARGV[3])
local due, last = string.match(redis.call('GET', next_key) or '', '^(%d+):(.*)$')
local outcome = 'applied'
due = tonumber(due)
if not due or number > due or (number == due - 1 and last ~= '' and last ~= ARGV[4]) then return {'out_of_sequence', version} end
if number < due then
    outcome = 'already'
else
    add_sums(8)
    local following = string.format('%.0f:%s', number + 1, ARGV[4])
    redis.call('SET', next_key, following, 'EX', ARGV[5])
    advance_newest(ARGV[7])
    version = tostring(redis.call('HINCRBY', state, 'version', 1))
end
redis.call('XACK', p .. 'queue', 'appliers', ARGV[6])
redis.call('XDEL', p .. 'queue', ARGV[6])
return {outcome, version}
