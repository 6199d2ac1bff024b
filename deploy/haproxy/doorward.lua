-- Asks doorward about a request, at the address in txn.doorward, and leaves the answer in txn.ca_status and its like.

local function values(headers, name)
  local list = {}
  local lines = headers[name]
  if lines then
    for index = 0, #lines do
      list[#list + 1] = lines[index]
    end
  end
  return list
end

core.register_action("doorward", { "http-req" }, function(txn)
  local headers = txn.http:req_get_headers()
  -- The whole chain, and behind it whoever is connected: doorward reads it from that end.
  local chain = values(headers, "x-forwarded-for")
  chain[#chain + 1] = txn.f:src()
  local question = {
    ["host"] = values(headers, "host"),
    ["x-original-method"] = { txn.f:method() },
    ["x-original-uri"] = { txn.f:pathq() },
    ["x-forwarded-for"] = { table.concat(chain, ", ") },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
  }
  for _, name in ipairs({ "authorization", "x-request-id", "traceparent" }) do
    local list = values(headers, name)
    if #list > 0 then
      question[name] = list
    end
  end
  local answer = core.httpclient():get({ url = txn:get_var("txn.doorward"), headers = question, timeout = 1000 })
  if not answer or not answer.status then
    return
  end
  txn:set_var("txn.ca_status", answer.status)
  for variable, name in pairs({
    ["txn.ca_decision_id"] = "x-ca-decision-id",
    ["txn.ca_revision"] = "x-ca-revision",
    ["txn.ca_subject"] = "x-ca-subject",
    ["txn.ca_challenge"] = "www-authenticate",
  }) do
    local value = answer.headers and answer.headers[name]
    if value and value[0] then
      txn:set_var(variable, value[0])
    end
  end
end)
