// Conditional access for Amazon Cognito: a Lambda function for the trigger `Pre token generation` (event version 2 or 3).
//
// DOORWARD_URL is where doorward answers `POST /v1/decide/batch`, reachable from the function's VPC; DOORWARD_TOKEN, if it is
// there, is sent as bearer token, which a listener that is not on loopback asks for. Each scope is asked about, too, where
// the event tells them: one that is refused refuses the token. An error that the function throws, its
// timeout included, is an error of the sign-in: no token. Cognito gives this trigger no address, so location is unknown:
// `missingIp` of the bundle says what location policies make of that.
//
// A token is for the resource servers whose scopes it has (`https://api.example.com/read` is for
// `https://api.example.com`), by the identifiers that they have in the user pool. With another scope, such as `openid`, or
// with none it is for DOORWARD_AUDIENCE, too. Where that is not set, and in event version 1, which tells no scopes, it is for
// an unknown application, so policies about any apply; its scopes are not sent then, since alone they would mean
// Microsoft's directory. DOORWARD_GROUPS=names says that policies name groups of the user pool, by their names;
// set it only if no policy means other groups by their ids, for a user would be in none of those. Without it nobody knows
// who is in which group.
//
// Claims of policies are added to the access token, which event version 1 cannot. Nor can any version add those that are
// Cognito's own: it keeps its own value and issues the token. Such a claim is left out here, and an error if it is critical.
// Nobody here hears of obligations: an allow with any is an error. Lifetimes are set in Cognito, not here.
// `tests/serve/node.rs` runs this file with events as Cognito documents them, not in AWS.

const GRANTS = {
  TokenGeneration_HostedAuth: 'authorization_code',
  TokenGeneration_RefreshTokens: 'refresh_token',
  TokenGeneration_ClientCredentials: 'client_credentials',
};

/**
 * Claims that `claimsToAddOrOverride` has no effect on, beside those with Cognito's own prefixes. Source: Amazon Cognito
 * Developer Guide, Pre token generation Lambda trigger, Claims and scopes reference, read November 2026.
 */
const OWN_CLAIMS = new Set([
  'scope', 'username', 'sub', 'identities', 'aud', 'client_id', 'event_id', 'device_key', 'version', 'acr', 'amr', 'at_hash',
  'auth_time', 'azp', 'exp', 'iat', 'iss', 'jti', 'nbf', 'nonce', 'origin_jti', 'token_use',
]);
const OWN_PREFIXES = ['cognito:', 'dev:'];

export async function handler(event) {
  const { callerContext, request, triggerSource, userName } = event;
  const isClient = triggerSource === 'TokenGeneration_ClientCredentials';
  const grant = GRANTS[triggerSource];
  const token = process.env.DOORWARD_TOKEN;
  const groups = request.groupConfiguration?.groupsToOverride;
  const identity = isClient
    ? { type: 'servicePrincipal', id: callerContext.clientId }
    : {
        type: 'user',
        id: request.userAttributes?.sub ?? userName,
        appId: callerContext.clientId,
        groups: process.env.DOORWARD_GROUPS === 'names' ? groups : undefined,
      };
  const attributes = { client_id: callerContext.clientId, groups };
  const about = (action) => ({ identity, action, resource: resource(request.scopes), attributes });
  const requests = [grant && `issue:access_token:${grant}`, ...(request.scopes ?? [])].map(about);
  const response = await fetch(new URL('/v1/decide/batch', process.env.DOORWARD_URL), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ requests }),
    redirect: 'error',
    signal: AbortSignal.timeout(2_000),
  });
  const { results } = response.status === 200 ? await response.json() : {};
  if (results?.length !== requests.length) throw new Error('No access decision.');
  const isTaken = (name) =>
    event.version !== '1' && !OWN_CLAIMS.has(name) && !OWN_PREFIXES.some((prefix) => name.startsWith(prefix));
  const claims = new Map();
  for (const { answer } of results) {
    const { decision, oauthError, obligations, token: shape } = answer ?? {};
    if (decision !== 'allow') throw new Error(oauthError?.errorDescription ?? 'No access decision.');
    if (obligations?.length > 0 || !(shape?.criticalClaims ?? []).every(isTaken)) throw new Error('Blocked by policy.');
    for (const [name, values] of Object.entries(shape?.claims ?? {}).filter(([name]) => isTaken(name))) {
      claims.set(name, [...new Set([...(claims.get(name) ?? []), ...values])].sort());
    }
  }
  if (claims.size === 0) return event;
  const details = event.response.claimsAndScopeOverrideDetails ?? {};
  const accessTokenGeneration = {
    ...details.accessTokenGeneration,
    claimsToAddOrOverride: { ...details.accessTokenGeneration?.claimsToAddOrOverride, ...Object.fromEntries(claims) },
  };
  return { ...event, response: { ...event.response, claimsAndScopeOverrideDetails: { ...details, accessTokenGeneration } } };
}

/** What a token with these scopes is for; nothing if nobody knows. */
function resource(scopes) {
  if (scopes == null) return undefined;
  const named = scopes.filter((scope) => scope.includes('/')).map((scope) => scope.slice(0, scope.lastIndexOf('/')));
  const isNamed = named.length > 0 && named.length === scopes.length;
  if (!isNamed && !process.env.DOORWARD_AUDIENCE) return undefined;
  const audiences = [...new Set(isNamed ? named : [...named, process.env.DOORWARD_AUDIENCE])];
  const target = audiences.length === 1 ? { type: 'audience', id: audiences[0] } : undefined;
  return { appIds: audiences, scopes, target };
}
