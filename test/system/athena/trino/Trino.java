import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.trino.Session;
import io.trino.execution.QueryStats;
import io.trino.plugin.hive.HiveConnectorFactory;
import io.trino.spi.Plugin;
import io.trino.spi.connector.ConnectorFactory;
import io.trino.spi.type.Type;
import io.trino.testing.DistributedQueryRunner;
import io.trino.testing.MaterializedResultWithQueryId;
import io.trino.testing.MaterializedRow;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import static io.trino.testing.TestingSession.testSessionBuilder;
import static java.util.stream.Collectors.toList;

/**
 * A Trino of one node that reads requests from standard input and answers on standard
 * output, a JSON object a line each; everything else goes to standard error. The first
 * line it writes is empty of meaning: it says that Trino is up. Requests:
 *
 * <pre>
 * {"catalog": NAME, "properties": {...}}                  mounts a Hive catalog
 * {"use": CATALOG, "schema": SCHEMA, "sql": STATEMENT}    runs a statement
 * </pre>
 *
 * The answer to a statement has its columns and rows, and what was read for them; the
 * answer to what goes wrong has the member "error".
 */
public final class Trino
{
    private static final ObjectMapper JSON = new ObjectMapper();

    private Trino() {}

    public static void main(String[] args)
            throws Exception
    {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Session session = testSessionBuilder().build();
        try (DistributedQueryRunner trino = DistributedQueryRunner.builder(session).setNodeCount(1).build()) {
            trino.installPlugin(new Hive());
            answers.println("{}");
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                answers.println(JSON.writeValueAsString(answer(trino, JSON.readTree(line))));
            }
        }
    }

    private static Map<String, Object> answer(DistributedQueryRunner trino, JsonNode request)
    {
        try {
            return request.has("catalog") ? mount(trino, request) : run(trino, request);
        }
        catch (RuntimeException e) {
            e.printStackTrace();
            return Map.of("error", message(e));
        }
    }

    /** What went wrong, and what that was caused by. */
    private static String message(Throwable e)
    {
        StringBuilder message = new StringBuilder();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            message.append(message.length() == 0 ? "" : ": ").append(cause.getMessage());
        }
        return message.toString();
    }

    private static Map<String, Object> mount(DistributedQueryRunner trino, JsonNode request)
    {
        Map<String, String> properties = new HashMap<>();
        request.get("properties").fields().forEachRemaining(p -> properties.put(p.getKey(), p.getValue().asText()));
        trino.createCatalog(request.get("catalog").asText(), "hive", properties);
        return Map.of();
    }

    private static Map<String, Object> run(DistributedQueryRunner trino, JsonNode request)
    {
        Session session = Session.builder(trino.getDefaultSession())
                .setCatalog(request.get("use").asText())
                .setSchema(request.get("schema").asText())
                .build();
        MaterializedResultWithQueryId done = trino.executeWithQueryId(session, request.get("sql").asText());
        QueryStats stats = trino.getCoordinator().getQueryManager().getFullQueryInfo(done.getQueryId()).getQueryStats();
        List<Object> rows = new ArrayList<>();
        done.getResult().forEach(row -> rows.add(plain(row)));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("columns", done.getResult().getColumnNames());
        answer.put("types", done.getResult().getTypes().stream().map(Type::getDisplayName).collect(toList()));
        answer.put("rows", rows);
        answer.put("bytes", stats.getPhysicalInputDataSize().toBytes());
        answer.put("input_rows", stats.getPhysicalInputPositions());
        return answer;
    }

    /** The value in types of JSON: a row is a list, what JSON does not know is text. */
    private static Object plain(Object value)
    {
        if (value instanceof MaterializedRow) {
            return plain(((MaterializedRow) value).getFields());
        }
        if (value instanceof List) {
            List<Object> list = new ArrayList<>();
            ((List<?>) value).forEach(element -> list.add(plain(element)));
            return list;
        }
        if (value instanceof Map) {
            Map<String, Object> map = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((name, element) -> map.put(String.valueOf(name), plain(element)));
            return map;
        }
        return value == null || value instanceof Number || value instanceof Boolean ? value : value.toString();
    }

    private static final class Hive
            implements Plugin
    {
        @Override
        public Iterable<ConnectorFactory> getConnectorFactories()
        {
            return List.of(new HiveConnectorFactory(HiveConnectorFactory.EmptyModule.class));
        }
    }
}
