// Calls the shipped functions for Cognito and Auth0 where policies shape tokens; prints what became of each token.
import { createRequire } from 'node:module';

const [deploy, url] = process.argv.slice(2);
process.env.DOORWARD_URL = url;
const { handler } = await import(`${deploy}/cognito/index.mjs`);
const auth0 = createRequire(import.meta.url)(`${deploy}/auth0/action.js`);
const told = {};

async function cognito(version, claimsAndScopeOverrideDetails) {
  const event = {
    version, triggerSource: 'TokenGeneration_HostedAuth', userName: 'alice', callerContext: { clientId: 'app' },
    request: { userAttributes: { sub: 'alice' } }, response: { claimsAndScopeOverrideDetails },
  };
  return handler(event).then(
    ({ response }) => JSON.stringify(response.claimsAndScopeOverrideDetails?.accessTokenGeneration),
    (error) => error.message,
  );
}

async function exchange(identifier, scope = ['read']) {
  const claims = {};
  let outcome;
  await auth0.onExecuteCredentialsExchange({
    secrets: { DOORWARD_URL: url }, client: { client_id: 'workload' }, request: { ip: '198.51.100.7' },
    resource_server: identifier && { identifier }, accessToken: { scope },
  }, {
    access: { deny: (code, reason) => { outcome = `${code} ${reason}`; } },
    accessToken: { setCustomClaim: (name, value) => { claims[name] = value; } },
  });
  return outcome ?? JSON.stringify(claims);
}

async function login(identifier) {
  const claims = {};
  let outcome;
  await auth0.onExecutePostLogin({
    secrets: { DOORWARD_URL: url }, client: { client_id: 'app' }, user: { user_id: 'alice' }, request: { ip: '198.51.100.7' },
    resource_server: { identifier }, transaction: { protocol: 'oidc-basic-profile', requested_scopes: ['read'] },
  }, {
    access: { deny: (reason) => { outcome = reason; } },
    accessToken: { setCustomClaim: (name, value) => { claims[name] = value; } },
  });
  return outcome ?? JSON.stringify(claims);
}

told['cognito'] = await cognito('2', null);
told['cognito with claims'] = await cognito('2', { accessTokenGeneration: { scopesToAdd: ['x'], claimsToAddOrOverride: { own: '1' } } });
told['cognito version 1'] = await cognito('1', null);
told['auth0'] = await exchange('https://api');
told['auth0 without an audience'] = await exchange(undefined);
told['auth0 for its management API'] = await exchange('https://corp.eu.auth0.com/api/v2/');
told['auth0 for its user info'] = await exchange('https://corp.eu.auth0.com/userinfo');
told['auth0 after a login'] = await login('https://api');
// Auth0's management API has more than a hundred.
const many = Array.from({ length: 250 }, (_, place) => `read:client_grants_of_organization_${place}`);
told['auth0 with many scopes'] = await exchange('https://api', [...many, 'read']);
console.log(JSON.stringify(told));
