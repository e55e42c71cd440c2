-- One step of a throttle (GCRA) for one caller. The same rules as in memory.rs.
--
-- KEYS[1]: a hash: for each quota, by its number, the microsecond at which it is whole again.
-- ARGV: the step; then for each quota the microseconds that one try takes, and the tries at once. The slowest is last.
-- Answer: whether a try was taken, microseconds to wait (0: it passes), microseconds until the first quota is whole.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step = ARGV[1]
local quotas = (#ARGV - 1) / 2
local period, tolerance, whole = {}, {}, {}
local wait = 0
for i = 1, quotas do
    period[i] = tonumber(ARGV[2 * i])
    tolerance[i] = period[i] * (tonumber(ARGV[2 * i + 1]) - 1)
    whole[i] = math.max(tonumber(redis.call('HGET', KEYS[1], tostring(i)) or now), now)
    wait = math.max(wait, whole[i] - tolerance[i] - now)
end
local is_used = whole[quotas] > now
local is_taken = false
if step == 'take_if_used' and not is_used then
    wait = 0
elseif step == 'take' or step == 'take_if_used' then
    is_taken = wait <= 0
end
local changes = is_taken
if is_taken then
    for i = 1, quotas do
        whole[i] = whole[i] + period[i]
    end
elseif step == 'count_failure' then
    for i = 1, quotas do
        if whole[i] - tolerance[i] <= now then
            whole[i] = whole[i] + period[i]
        end
    end
    is_taken, changes, wait = true, true, 0
elseif step == 'give_back' then
    for i = 1, quotas do
        whole[i] = math.max(whole[i] - period[i], now)
    end
    changes, wait = true, 0
end
if changes then
    local last = now
    for i = 1, quotas do
        redis.call('HSET', KEYS[1], tostring(i), string.format('%.0f', whole[i]))
        last = math.max(last, whole[i])
    end
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(1, math.ceil((last - now) / 1000))))
end
return { is_taken and 1 or 0, math.ceil(wait), math.ceil(whole[1] - now) }
