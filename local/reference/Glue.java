import com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Converts with the Glue converter, a JSON line each. What goes in and comes out is in the form of Connect's JsonConverter:
 * {"topic", "isKey", "config", "connect": {"schema", "payload"}} is answered by {"bytes": B64}, with "bytes" instead of
 * "connect" the other way round, and what fails by {"error": class and message of each cause}.
 */
public class Glue {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        JsonConverter plain = new JsonConverter();
        plain.configure(Map.of("converter.type", "value", "schemas.cache.size", "0"), false);
        Map<String, AWSKafkaAvroConverter> converters = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            ObjectNode answer = JSON.createObjectNode();
            try {
                JsonNode ask = JSON.readTree(line);
                boolean isKey = ask.path("isKey").asBoolean();
                String topic = ask.path("topic").asText("t");
                Map<String, String> config = new HashMap<>();
                ask.path("config").fields().forEachRemaining(e -> config.put(e.getKey(), e.getValue().asText()));
                AWSKafkaAvroConverter converter = converters.computeIfAbsent(isKey + config.toString(), k -> {
                    AWSKafkaAvroConverter c = new AWSKafkaAvroConverter();
                    c.configure(config, isKey);
                    return c;
                });
                if (ask.has("connect")) {
                    SchemaAndValue v = plain.toConnectData(topic, JSON.writeValueAsBytes(ask.get("connect")));
                    byte[] bytes = converter.fromConnectData(topic, v.schema(), v.value());
                    if (bytes == null) answer.putNull("bytes"); else answer.put("bytes", Base64.getEncoder().encodeToString(bytes));
                } else {
                    byte[] bytes = ask.get("bytes").isNull() ? null : Base64.getDecoder().decode(ask.get("bytes").asText());
                    SchemaAndValue v = converter.toConnectData(topic, bytes);
                    byte[] text = v == null ? null : plain.fromConnectData(topic, v.schema(), v.value());
                    answer.set("connect", text == null ? JSON.nullNode() : JSON.readTree(text));
                }
            } catch (Throwable t) {
                StringBuilder b = new StringBuilder();
                for (Throwable c = t; c != null && c != c.getCause(); c = c.getCause()) b.append(c.getClass().getName()).append(": ").append(c.getMessage()).append("\n");
                answer.put("error", b.toString());
                if (args.length > 0) t.printStackTrace();
            }
            out.println(JSON.writeValueAsString(answer));
            out.flush();
        }
    }
}
