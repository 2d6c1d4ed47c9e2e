-- Clicks a round: of the policy that ran, and what its log says of the uniform one.
SELECT log, CAST(reward AS double) / rounds AS as_it_ran, ips, snips,
       ips - 1.96 * ips_se AS ips_low, ips + 1.96 * ips_se AS ips_high, effective_rounds
FROM off_policy
ORDER BY log
