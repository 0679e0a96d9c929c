// Reads every listed topic from start to end by assignment, and writes what came as JSON lines.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

final class Read {
    private static final int LARGE_BYTES = 65536;

    static void all(Path folder) throws Exception {
        Map<String, BufferedWriter> outputs = new HashMap<>();
        List<TopicPartition> partitions = new ArrayList<>();
        for (JsonNode topic : Manifest.JSON.readTree(folder.resolve("topics.json").toFile())) {
            String name = topic.get("topic").asText();
            outputs.put(name, Files.newBufferedWriter(folder.resolve("read/java/" + name + ".jsonl")));
            for (int index = 0; index < topic.get("partitions").asInt(); index++) partitions.add(new TopicPartition(name, index));
        }
        try (var consumer = Clients.consumer(Map.of("fetch.max.bytes", 32 << 20))) {
            consumer.assign(partitions);
            Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
            consumer.beginningOffsets(partitions).forEach(consumer::seek);
            ends.values().removeIf(end -> end == 0);
            long quietSince = System.nanoTime();
            while (!ends.isEmpty()) {
                var records = consumer.poll(Duration.ofMillis(500));
                if (!records.isEmpty()) quietSince = System.nanoTime();
                if (System.nanoTime() - quietSince > 60_000_000_000L) throw new IllegalStateException("no record for 60 s, missing " + ends);
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    BufferedWriter out = outputs.get(record.topic());
                    out.write(line(record).toString());
                    out.newLine();
                }
                ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
            }
        }
        for (BufferedWriter out : outputs.values()) out.close();
    }

    private static ObjectNode line(ConsumerRecord<byte[], byte[]> record) throws Exception {
        ObjectNode line = Manifest.JSON.createObjectNode();
        line.put("p", record.partition()).put("o", record.offset()).put("t", record.timestamp());
        line.put("k", text(record.key())).put("v", text(record.value()));
        var headers = line.putArray("h");
        for (Header header : record.headers()) headers.addArray().add(header.key()).add(text(header.value()));
        return line;
    }

    private static String text(byte[] bytes) throws Exception {
        if (bytes == null) return null;
        if (bytes.length <= LARGE_BYTES) return Base64.getEncoder().encodeToString(bytes);
        return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)) + ":" + bytes.length;
    }
}
