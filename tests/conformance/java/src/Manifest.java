// One manifest: the topic and the records to produce to it.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;

final class Manifest {
    static final ObjectMapper JSON = new ObjectMapper();
    final JsonNode header;
    final String topic;
    final List<JsonNode> lines = new ArrayList<>();

    Manifest(Path path) throws Exception {
        JSON.getFactory().setStreamReadConstraints(
            com.fasterxml.jackson.core.StreamReadConstraints.builder().maxStringLength(64 << 20).build());
        try (BufferedReader reader = Files.newBufferedReader(path)) {
            header = JSON.readTree(reader.readLine());
            topic = header.get("topic").asText();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) lines.add(JSON.readTree(line));
        }
    }

    ProducerRecord<byte[], byte[]> record(int index) {
        JsonNode line = lines.get(index);
        Long timestamp = line.get("t").isNull() ? null : line.get("t").asLong();
        var record = new ProducerRecord<>(topic, line.get("p").asInt(), timestamp, bytes(line.get("k")), bytes(line.get("v")));
        for (JsonNode pair : line.get("h")) record.headers().add(new RecordHeader(pair.get(0).asText(), bytes(pair.get(1))));
        return record;
    }

    boolean flushAfter(int index) {
        return lines.get(index).get("flush").asBoolean();
    }

    private static byte[] bytes(JsonNode text) {
        return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }
}
