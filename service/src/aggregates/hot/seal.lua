-- Seals the generations of cold days, so that late rows open new ones, and reads some of the sealed ones.
-- ARGV: epoch, first hot day ('' to seal nothing), how many to read.
-- Answers 'ready' or 'epoch_over', the version, the name of the last step that removed something ('' for none), then
-- name and fields of each generation.
if not is_ready(ARGV[1]) then return {'epoch_over', '0', ''} end
local open = redis.call('HGETALL', p .. 'open')
for i = 1, #open, 2 do
    if open[i] < ARGV[2] then
        redis.call('HDEL', p .. 'open', open[i])
        redis.call('SADD', p .. 'sealed', open[i] .. '/' .. open[i + 1])
        version = tostring(redis.call('HINCRBY', state, 'version', 1))
    end
end
local answer = {'ready', version, redis.call('HGET', state, 'removed') or ''}
local names = redis.call('SMEMBERS', p .. 'sealed')
table.sort(names)
for i = 1, math.min(#names, tonumber(ARGV[3])) do
    answer[#answer + 1] = names[i]
    answer[#answer + 1] = redis.call('HGETALL', p .. 'day:' .. names[i])
end
return answer
