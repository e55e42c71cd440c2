-- Adds the payments after one mark of the journal, up to and including another, to the totals: only if the totals stand
-- at the first mark, so that nothing is added twice, whichever relay adds it.
-- ARGV: epoch, the mark before, the mark after, newest day ('' for no sums), then the sums.
-- Answers the outcome and the version: added, mark_moved (the totals stand at another mark), epoch_over.
if not is_ready(ARGV[1]) then return {'epoch_over', '0'} end
if redis.call('GET', p .. 'mark') ~= ARGV[2] then return {'mark_moved', version} end
add_sums(5)
redis.call('SET', p .. 'mark', ARGV[3])
advance_newest(ARGV[4])
return {'added', tostring(redis.call('HINCRBY', state, 'version', 1))}
