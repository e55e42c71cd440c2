-- Reads the state of the hot store, and its totals from one day to another, at one moment.
-- ARGV: first day, last day ('' and '' for no totals).
-- Answers epoch, stage, version, mark in the journal, newest day, number of the last generation, name of the last step
-- that removed one, messages in the queue, dead letters; then for each generation its name, '1' if it is open, and its
-- fields.
local more = redis.call('HMGET', state, 'newest', 'generation', 'removed')
local mark = redis.call('GET', p .. 'mark') or ''
local answer = {
    epoch, stage, version, mark, more[1] or '', more[2] or '0', more[3] or '',
    tostring(redis.call('XLEN', p .. 'queue')), tostring(redis.call('XLEN', p .. 'dead'))
}
local function keep(name, is_open)
    local day = string.match(name, '^(.-)/')
    if ARGV[1] <= day and day <= ARGV[2] then
        answer[#answer + 1] = name
        answer[#answer + 1] = is_open
        answer[#answer + 1] = redis.call('HGETALL', p .. 'day:' .. name)
    end
end
local open = redis.call('HGETALL', p .. 'open')
for i = 1, #open, 2 do keep(open[i] .. '/' .. open[i + 1], '1') end
for _, name in ipairs(redis.call('SMEMBERS', p .. 'sealed')) do keep(name, '0') end
return answer
