import java.net.URI;
import java.util.Arrays;
import java.util.List;
import org.keycloak.events.Errors;
import org.keycloak.models.KeycloakSession;
import org.keycloak.representations.idm.ClientPolicyExecutorConfigurationRepresentation;
import org.keycloak.services.clientpolicy.ClientPolicyContext;
import org.keycloak.services.clientpolicy.ClientPolicyException;
import org.keycloak.services.clientpolicy.context.ServiceAccountTokenRequestContext;
import org.keycloak.services.clientpolicy.context.TokenRefreshResponseContext;
import org.keycloak.services.clientpolicy.context.TokenResponseContext;
import org.keycloak.services.clientpolicy.executor.ClientPolicyExecutorProvider;

/**
 * Conditional access for Keycloak: an executor of client policies that asks doorward when a token is about to leave.
 *
 * <p>NOT COMPILED OR RUN by the tests of doorward: it needs Keycloak's libraries. {@code Doorward}, which does the asking, is.
 * Written for the service provider interface of Keycloak 26. Beside it Keycloak wants a
 * {@code ClientPolicyExecutorProviderFactory} that makes it and is named in {@code META-INF/services}; then a client profile
 * with this executor, and a client policy that applies the profile to any client.
 *
 * <p>How the user has signed in is not told, so a policy that asks users for a grant control blocks them all: use it for
 * policies that block. A block is the OAuth error of doorward's answer. When doorward is down every token is refused.
 */
public final class DoorwardExecutor implements ClientPolicyExecutorProvider<ClientPolicyExecutorConfigurationRepresentation> {
    private static final Doorward DOORWARD = new Doorward(URI.create(System.getenv("DOORWARD_URL")));

    private final KeycloakSession session;

    public DoorwardExecutor(KeycloakSession session) {
        this.session = session;
    }

    @Override
    public String getProviderId() {
        return "doorward";
    }

    @Override
    public void executeOnEvent(ClientPolicyContext context) throws ClientPolicyException {
        switch (context.getEvent()) {
            case SERVICE_ACCOUNT_TOKEN_REQUEST -> {
                var request = (ServiceAccountTokenRequestContext) context;
                decide(false, request.getClientSession().getClient().getClientId(), "client_credentials", "");
            }
            case TOKEN_RESPONSE -> {
                var response = (TokenResponseContext) context;
                var token = response.getAccessTokenResponseBuilder().getAccessToken();
                decide(true, token.getSubject(), "authorization_code", token.getScope());
            }
            case TOKEN_REFRESH_RESPONSE -> {
                var response = (TokenRefreshResponseContext) context;
                var token = response.getAccessTokenResponseBuilder().getAccessToken();
                decide(true, token.getSubject(), "refresh_token", token.getScope());
            }
            default -> { }
        }
    }

    private void decide(boolean isUser, String id, String grant, String scope) throws ClientPolicyException {
        String address = session.getContext().getConnection().getRemoteAddr();
        String client = session.getContext().getClient().getClientId();
        List<String> scopes = Arrays.stream(scope.split(" ")).filter(name -> !name.isEmpty()).toList();
        var refusal = DOORWARD.refusal(new Doorward.Issuance(isUser, id, client, grant, address, scopes));
        if (refusal.isPresent()) {
            throw new ClientPolicyException(
                    refusal.get().error().isEmpty() ? Errors.NOT_ALLOWED : refusal.get().error(), refusal.get().description());
        }
    }
}
