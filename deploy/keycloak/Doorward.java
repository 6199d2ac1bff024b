import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Asks doorward about one token and each of its scopes: one that is refused refuses the token, and more than fit into one call
 * (99, some 70 of 25 letters) are none. Needs a JDK 17 or later and nothing else; {@code DoorwardExecutor} calls it in Keycloak.
 *
 * <p>Where the environment has {@code DOORWARD_TOKEN}, it is sent as bearer token, which {@code callers} of doorward's settings
 * know.
 *
 * <p>Claims of policies are not added here, and nobody hears of obligations: an allow with a critical claim or an obligation is a
 * refusal, other claims are left out.
 *
 * <p>{@code java Doorward.java URL user|servicePrincipal ID CLIENT GRANT ADDRESS AUDIENCES SCOPE...} asks from the command line,
 * with commas between audiences and {@code -} for none, and {@code tests/serve/java.rs} does.
 */
public final class Doorward {
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final Pattern ERROR =
            Pattern.compile("\"oauthError\":\\{\"error\":\"([a-z_]+)\",\"errorDescription\":\"([^\"\\\\]*)\"");

    /** What an answer has that asks for more than a yes: a critical claim, or an obligation. */
    private static final List<String> OWED = List.of("\"criticalClaims\":[\"", "\"obligations\":[{");

    /** How a result begins that is an allow: doorward writes nothing between the names, and in texts quotes are escaped. */
    private static final String ALLOWED = "{\"answer\":{\"decision\":\"allow\",";

    /** What to tell the OAuth client instead of a token. */
    public record Refusal(String error, String description) {}

    /** A token that is to be issued. No audience: nobody knows what it is for, so policies about any application apply. */
    public record Issuance(
            boolean isUser, String id, String clientId, String grantType, String address, List<String> audiences, List<String> scopes) {}

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
    private final URI decide;
    private final Optional<String> token = Optional.ofNullable(System.getenv("DOORWARD_TOKEN"));

    public Doorward(URI url) {
        this.decide = url.resolve("/v1/decide/batch");
    }

    /** Why there is no token; empty if there may be one. Whoever cannot be asked has not allowed it. */
    public Optional<Refusal> refusal(Issuance issuance) {
        HttpRequest.Builder request = HttpRequest.newBuilder(decide)
                .timeout(TIMEOUT)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json(issuance)));
        token.ifPresent(secret -> request.header("authorization", "Bearer " + secret));
        try {
            HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String body = response.body();
            int allowed = body.split(Pattern.quote(ALLOWED), -1).length - 1;
            if (response.statusCode() == 200 && allowed == 1 + issuance.scopes().size()) {
                boolean isOwed = OWED.stream().anyMatch(body::contains);
                return isOwed ? Optional.of(new Refusal("invalid_grant", "Blocked by policy.")) : Optional.empty();
            }
            var error = ERROR.matcher(body);
            if (response.statusCode() == 200 && error.find()) {
                // An action that is no gate reads as the use of a token, and there is none yet.
                boolean isOfScope = body.startsWith("{\"results\":[" + ALLOWED);
                return Optional.of(new Refusal(isOfScope ? "invalid_scope" : error.group(1), error.group(2)));
            }
        } catch (IOException e) {
            // as below
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.of(new Refusal("temporarily_unavailable", "No access decision."));
    }

    private static String json(Issuance issuance) {
        String grant = issuance.grantType().substring(issuance.grantType().lastIndexOf(':') + 1).replace('-', '_');
        var requests = new ArrayList<String>();
        requests.add(json(issuance, grant, "issue:access_token:" + grant));
        issuance.scopes().forEach(scope -> requests.add(json(issuance, grant, scope)));
        return "{\"requests\":[" + String.join(",", requests) + "]}";
    }

    private static String json(Issuance issuance, String grant, String action) {
        String identity = issuance.isUser()
                ? "\"user\",\"appId\":" + text(issuance.clientId())
                : "\"servicePrincipal\"";
        return "{\"identity\":{\"type\":" + identity + ",\"id\":" + text(issuance.id()) + "}"
                + ",\"network\":{\"ipAddress\":" + text(issuance.address()) + "}"
                + ",\"action\":" + text(action)
                + (grant.equals("device_code") ? ",\"authenticationFlow\":\"deviceCodeFlow\"" : "")
                + ",\"resource\":" + resource(issuance.audiences(), issuance.scopes())
                + ",\"attributes\":{\"client_id\":" + text(issuance.clientId()) + "}}";
    }

    /** Scopes alone would say that the token is for Microsoft's directory. */
    private static String resource(List<String> audiences, List<String> scopes) {
        if (audiences.isEmpty()) {
            return "{}";
        }
        String target = ",\"target\":{\"type\":\"audience\",\"id\":" + text(audiences.get(0)) + "}";
        return "{\"appIds\":" + texts(audiences) + ",\"scopes\":" + texts(scopes) + (audiences.size() == 1 ? target : "") + "}";
    }

    private static String texts(List<String> values) {
        return values.stream().map(Doorward::text).collect(Collectors.joining(",", "[", "]"));
    }

    private static String text(String value) {
        return value.chars()
                .mapToObj(c -> c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : String.valueOf((char) c))
                .collect(Collectors.joining("", "\"", "\""));
    }

    public static void main(String[] arguments) {
        List<String> all = List.of(arguments);
        boolean isUser = all.get(1).equals("user");
        List<String> audiences = all.get(6).equals("-") ? List.of() : Arrays.asList(all.get(6).split(","));
        Issuance issuance =
                new Issuance(isUser, all.get(2), all.get(3), all.get(4), all.get(5), audiences, all.subList(7, all.size()));
        System.out.println(new Doorward(URI.create(all.get(0))).refusal(issuance)
                .map(refusal -> refusal.error() + ": " + refusal.description())
                .orElse("allowed"));
    }
}
