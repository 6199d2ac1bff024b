// Calls the shipped functions for Cognito and Auth0 with events as they document them; prints what came of each.
import { createRequire } from 'node:module';

const [deploy, url] = process.argv.slice(2);
process.env.DOORWARD_URL = url;
const { handler } = await import(`${deploy}/cognito/index.mjs`);
const auth0 = createRequire(import.meta.url)(`${deploy}/auth0/action.js`);
const told = {};

async function cognito(name, triggerSource, userAttributes, scopes = ['openid'], version = '2') {
  const event = {
    version, triggerSource, region: 'eu-west-1', userPoolId: 'pool', userName: 'alice',
    callerContext: { clientId: 'workload' }, response: { claimsAndScopeOverrideDetails: null },
    request: { userAttributes, groupConfiguration: { groupsToOverride: ['staff'] }, scopes: scopes ?? undefined },
  };
  const before = JSON.stringify(event);
  const outcome = await handler(event).then((answer) => (JSON.stringify(answer) === before ? 'allowed' : 'changed'), (error) => error.message);
  told[`cognito ${name}`] = outcome;
}

const secrets = { DOORWARD_URL: url, DOORWARD_TOKEN: process.env.DOORWARD_TOKEN };

async function login(name, methods, ip, identifier, countryCode) {
  let outcome = 'allowed';
  await auth0.onExecutePostLogin({
    secrets, resource_server: identifier && { identifier }, user: { user_id: 'alice' }, client: { client_id: 'app' },
    request: { ip, geoip: { countryCode } }, authentication: { methods: methods.map((method) => ({ name: method })) },
    transaction: { protocol: 'oidc-basic-profile', requested_scopes: ['openid'] },
  }, { access: { deny: (reason) => { outcome = reason; } } }).catch(() => { outcome = 'failed'; });
  told[`auth0 ${name}`] = outcome;
}

async function exchange(name, ip) {
  let outcome = 'allowed';
  await auth0.onExecuteCredentialsExchange({
    secrets, client: { client_id: 'workload' }, request: { ip },
    resource_server: { identifier: 'https://api' }, accessToken: { scope: ['read'] },
  }, { access: { deny: (code, reason) => { outcome = `${code} ${reason}`; } } }).catch(() => { outcome = 'failed'; });
  told[`auth0 ${name}`] = outcome;
}

await cognito('user', 'TokenGeneration_HostedAuth', { sub: 'alice' });
await cognito('exempt user', 'TokenGeneration_RefreshTokens', { sub: 'exempt' });
await cognito('workload', 'TokenGeneration_ClientCredentials', undefined);
await login('password', ['pwd'], '203.0.113.9');
await login('second factor', ['pwd', 'mfa'], '203.0.113.9');
await login('second factor, for an API', ['pwd', 'mfa'], '203.0.113.9', 'https://api');
await login('no address', ['pwd', 'mfa'], 'unknown');
await exchange('office', '198.51.100.7');
await exchange('elsewhere', '203.0.113.9');
// What the function is told of applications, groups and countries beside the event.
const PAYROLL = 'eeeeeeee-0000-4000-8000-000000000001';
await cognito('for an API of its own', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['https://api/v1/read']);
await cognito('for an API of its own and more', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['openid', 'https://api/v1/read']);
await cognito('for payroll', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['openid', `${PAYROLL}/read`]);
process.env.DOORWARD_AUDIENCE = 'https://api';
await cognito('for the default API', 'TokenGeneration_HostedAuth', { sub: 'alice' });
await cognito('for no scope, so the default API', 'TokenGeneration_HostedAuth', { sub: 'alice' }, []);
await cognito('for an API of its own and the default one', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['openid', 'https://api/v1/read']);
await cognito('for payroll, not the default API', 'TokenGeneration_HostedAuth', { sub: 'alice' }, [`${PAYROLL}/read`]);
// Event version 1 tells no scopes, so nobody knows what the token is for.
await cognito('version 1', 'TokenGeneration_HostedAuth', { sub: 'alice' }, null, '1');
process.env.DOORWARD_AUDIENCE = PAYROLL;
await cognito('for a default of payroll beside another API', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['openid', 'https://api/v1/read']);
await cognito('for another API alone', 'TokenGeneration_HostedAuth', { sub: 'alice' }, ['https://api/v1/read']);
process.env.DOORWARD_AUDIENCE = 'https://api';
process.env.DOORWARD_GROUPS = 'names';
await cognito('known to be of the staff', 'TokenGeneration_HostedAuth', { sub: 'alice' });
secrets.DOORWARD_AUDIENCE = 'https://api';
await login('second factor, for the default API', ['pwd', 'mfa'], '203.0.113.9');
await login('country of Auth0, not believed', ['pwd', 'mfa'], '203.0.113.9', 'https://api', 'nowhere');
secrets.DOORWARD_COUNTRY = 'auth0';
await login('country of Auth0, believed', ['pwd', 'mfa'], '203.0.113.9', 'https://api', 'nowhere');
await login('a country', ['pwd', 'mfa'], '203.0.113.9', 'https://api', 'NL');
console.log(JSON.stringify(told));
