// Admin, producer and consumer of the kafka-clients library with the settings that every check shares.
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

final class Clients {
    static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", Adapter.BOOTSTRAP, "default.api.timeout.ms", 30000));
    }

    static KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>();
        all.put("bootstrap.servers", Adapter.BOOTSTRAP);
        all.put("enable.idempotence", false);
        all.put("linger.ms", 50);
        all.put("batch.size", 262144);
        all.put("max.request.size", 12_000_000);
        all.put("delivery.timeout.ms", 120000);
        all.putAll(settings);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>();
        all.put("bootstrap.servers", Adapter.BOOTSTRAP);
        all.put("auto.offset.reset", "none");
        all.put("enable.auto.commit", false);
        all.put("max.poll.records", 5000);
        all.putAll(settings);
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}
