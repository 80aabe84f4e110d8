// Makes every call of a client whose JSON library refuses unknown members, against any Kafka Connect, and prints what each
// returned. What differs between two workers that are both right, such as the order of settings and the plugins there are, is
// left out.
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sourcelab.kafka.connect.apiclient.Configuration;
import org.sourcelab.kafka.connect.apiclient.KafkaConnectClient;
import org.sourcelab.kafka.connect.apiclient.request.dto.ConnectorPluginConfigDefinition;
import org.sourcelab.kafka.connect.apiclient.request.dto.NewConnectorDefinition;
import org.sourcelab.kafka.connect.apiclient.request.post.PostConnectorRestart;

public class Client {
    static final String SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    static final Pattern CONFIG = Pattern.compile("config=\\{([^}]*)}");

    static final Pattern REBALANCING = Pattern.compile(": (Cannot complete request|Request cannot be completed because a rebalance)");

    final KafkaConnectClient client;
    final String name;

    Client(String url, String name) {
        client = new KafkaConnectClient(new Configuration(url));
        this.name = name;
    }

    static String sorted(MatchResult m) {
        String settings = Arrays.stream(m.group(1).split(", ")).sorted().collect(Collectors.joining(", "));
        return java.util.regex.Matcher.quoteReplacement("config={" + settings + "}");
    }

    static String called(Callable<?> call) {
        try {
            return String.valueOf(call.call());
        } catch (Exception e) {
            try {
                Thread.sleep(100); // a worker that rebalances is asked again
            } catch (InterruptedException interrupted) {
                throw new IllegalStateException(interrupted);
            }
            return e.getClass().getSimpleName() + ": " + e.getMessage() + (e.getCause() == null ? "" : " " + e.getCause().getMessage());
        }
    }

    static void show(String what, Callable<?> call) {
        String got = called(call);
        for (int i = 0; i < 600 && REBALANCING.matcher(got).find(); i++) {
            got = called(call);
        }
        got = got.replaceAll("worker_?[iI]d='?[^',}]*", "worker").replaceAll("documentation='.*?', *group", "group")
            .replaceAll("recommendedValues=\\[[^]]*]", "recommended").replaceAll("available connectors are.*", "").replace("org.apache.kafka.connect.errors.ConnectException: ", "");
        System.out.println(what + ": " + CONFIG.matcher(got).replaceAll(Client::sorted).replace("\n", "\\n"));
    }

    /** Waits until the connector and its tasks are in a state. */
    void until(String state) throws InterruptedException {
        for (int i = 0; i < 600; i++, Thread.sleep(100)) {
            try {
                var status = client.getConnectorStatus(name);
                if (status.getConnector().get("state").equals(state) && !status.getTasks().isEmpty()
                        && status.getTasks().stream().allMatch(t -> t.getState().equals(state))) {
                    return;
                }
            } catch (RuntimeException e) {
                // it is not there yet, or the workers rebalance
            }
        }
        System.out.println("it never was " + state);
    }

    void untilTopic() throws InterruptedException {
        for (int i = 0; i < 600 && client.getConnectorTopics(name).getTopics().isEmpty(); i++) {
            Thread.sleep(100);
        }
    }

    void create(Map<String, String> settings) {
        show("version", () -> client.getConnectServerVersion().getVersion());
        show("connectors", () -> client.getConnectors().contains(name));
        show("add", () -> client.addConnector(new NewConnectorDefinition(name, settings)));
        show("add again", () -> client.addConnector(new NewConnectorDefinition(name, settings)));
        show("add without a topic", () -> client.addConnector(new NewConnectorDefinition("bad", Map.of("connector.class", SOURCE))));
        show("add an unknown class", () -> client.addConnector(new NewConnectorDefinition("bad", Map.of("connector.class", "Nope"))));
    }

    void read(String name) {
        show("connector", () -> client.getConnector(name));
        show("config", () -> new TreeMap<>(client.getConnectorConfig(name)));
        show("status", () -> client.getConnectorStatus(name));
        show("tasks", () -> client.getConnectorTasks(name));
        show("task", () -> client.getConnectorTaskStatus(name, 0));
        show("task that is not there", () -> client.getConnectorTaskStatus(name, 9));
        show("topics", () -> client.getConnectorTopics(name));
    }

    void expanded() {
        show("expanded status", () -> client.getConnectorsWithExpandedStatus().getStatusForConnector(name));
        show("expanded info", () -> client.getConnectorsWithExpandedInfo().getDefinitionForConnector(name));
        show("expanded", () -> {
            var all = client.getConnectorsWithAllExpandedMetadata();
            return all.getDefinitionForConnector(name) + " " + all.getStatusForConnector(name);
        });
    }

    void change(Map<String, String> settings) throws InterruptedException {
        show("restart", () -> client.restartConnector(name));
        show("restart with tasks", () -> client.restartConnector(new PostConnectorRestart(name).withIncludeTasks(true).withOnlyFailed(false)));
        until("RUNNING");
        show("restart a task", () -> client.restartConnectorTask(name, 0));
        show("restart a task that is not there", () -> client.restartConnectorTask(name, 9));
        show("pause", () -> client.pauseConnector(name));
        until("PAUSED");
        show("status", () -> client.getConnectorStatus(name));
        show("resume", () -> client.resumeConnector(name));
        until("RUNNING");
        var more = new TreeMap<>(settings);
        more.put("batch.size", "7");
        show("update", () -> client.updateConnectorConfig(name, more));
        more.put("batch.size", "x");
        show("update with what is no number", () -> client.updateConnectorConfig(name, more));
        show("validate", () -> client.validateConnectorPluginConfig(
            ConnectorPluginConfigDefinition.newBuilder().withName(SOURCE).withConfig(more).build()));
        show("validate a sink", () -> client.validateConnectorPluginConfig(ConnectorPluginConfigDefinition.newBuilder()
            .withName("FileStreamSinkConnector").withConfig(Map.of("connector.class", "FileStreamSink", "name", "x")).build()));
    }

    public static void main(String[] args) throws Exception {
        Client c = new Client(args[0], "strict client");
        var settings = Map.of("connector.class", SOURCE, "tasks.max", "1", "file", args[1], "topic", "strict");
        c.create(settings);
        c.until("RUNNING");
        c.untilTopic();
        c.read(c.name);
        c.expanded();
        c.change(settings);
        show("plugins", () -> c.client.getConnectorPlugins().stream().filter(p -> p.getClassName().contains(".file."))
            .sorted(Comparator.comparing(p -> p.getClassName())).collect(Collectors.toList()));
        show("reset the topics", () -> c.client.resetConnectorTopics(c.name));
        for (String what : List.of("delete", "delete again")) {
            show(what, () -> c.client.deleteConnector(c.name));
        }
        c.read("nowhere");
        show("pause", () -> c.client.pauseConnector("nowhere"));
        show("resume", () -> c.client.resumeConnector("nowhere"));
        show("restart", () -> c.client.restartConnector("nowhere"));
        show("restart a task", () -> c.client.restartConnectorTask("nowhere", 0));
        System.exit(0);
    }
}
