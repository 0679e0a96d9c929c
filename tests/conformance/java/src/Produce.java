// Creates the topics of the manifests and produces their records in order.
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.RecordMetadata;

final class Produce {
    static void all(Path folder) throws Exception {
        List<Manifest> manifests = new ArrayList<>();
        try (var files = Files.list(folder.resolve("produce/java"))) {
            for (Path path : files.sorted().toList()) manifests.add(new Manifest(path));
        }
        List<NewTopic> topics = new ArrayList<>();
        for (Manifest manifest : manifests) {
            Map<String, String> configs = new HashMap<>();
            manifest.header.get("configs").properties().forEach(entry -> configs.put(entry.getKey(), entry.getValue().asText()));
            topics.add(new NewTopic(manifest.topic, Optional.of(manifest.header.get("partitions").asInt()), Optional.empty()).configs(configs));
        }
        try (var admin = Clients.admin()) {
            admin.createTopics(topics).all().get();
        }
        for (Manifest manifest : manifests) one(manifest, folder.resolve("acks/" + manifest.topic + ".jsonl"));
    }

    private static void one(Manifest manifest, Path acks) throws Exception {
        Map<String, Object> settings = new HashMap<>();
        settings.put("acks", manifest.header.get("acks").asText());
        settings.put("compression.type", manifest.header.get("codec").asText());
        settings.put("enable.idempotence", manifest.header.get("idempotent").asBoolean());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = Clients.producer(settings); var out = new PrintWriter(Files.newBufferedWriter(acks))) {
            for (int index = 0; index < manifest.lines.size(); index++) {
                sent.add(producer.send(manifest.record(index)));
                if (manifest.flushAfter(index)) producer.flush();
            }
            producer.flush();
            for (int index = 0; index < sent.size(); index++) {
                RecordMetadata where = sent.get(index).get();
                out.printf("{\"i\":%d,\"p\":%d,\"o\":%d}%n", index, where.partition(), where.hasOffset() ? where.offset() : -1);
            }
        }
    }
}
