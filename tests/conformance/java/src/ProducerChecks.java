// What a broker must refuse or create when records come.
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;

final class ProducerChecks {
    static void all() {
        try (Admin admin = Clients.admin()) {
            Checks.check("producing to an unknown topic creates it", () -> {
                try (var producer = Clients.producer(Map.of())) {
                    Checks.equal(producer.send(new ProducerRecord<>("java.check.auto-created", new byte[1])).get().offset(), 0L);
                }
                Checks.equal(admin.describeTopics(Set.of("java.check.auto-created")).allTopicNames().get().size(), 1);
            });
            Checks.check("record over max.message.bytes is refused", () -> {
                String topic = Checks.create(admin, "too-large", 1, Map.of("max.message.bytes", "1000"));
                try (var producer = Clients.producer(Map.of())) {
                    Checks.refused(producer.send(new ProducerRecord<>(topic, new byte[2000])), RecordTooLargeException.class);
                    Checks.equal(producer.send(new ProducerRecord<>(topic, new byte[100])).get().offset(), 0L);
                }
            });
            Checks.check("batch over max.message.bytes is split and kept in order", () -> {
                String topic = Checks.create(admin, "split", 1, Map.of("max.message.bytes", "5000"));
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                try (var producer = Clients.producer(Map.of("compression.type", "gzip", "linger.ms", 500, "enable.idempotence", true))) {
                    var random = new java.util.Random(1);
                    for (int index = 0; index < 40; index++) {
                        byte[] value = new byte[900];
                        random.nextBytes(value);
                        sent.add(producer.send(new ProducerRecord<>(topic, value)));
                    }
                }
                for (int index = 0; index < 40; index++) Checks.equal(sent.get(index).get().offset(), (long) index);
            });
            Checks.check("timestamp too far ahead is refused", () -> {
                String topic = Checks.create(admin, "future", 1, Map.of("message.timestamp.after.max.ms", "1000"));
                long ahead = System.currentTimeMillis() + 3_600_000;
                try (var producer = Clients.producer(Map.of())) {
                    Checks.refused(producer.send(new ProducerRecord<>(topic, 0, ahead, null, new byte[1])), InvalidTimestampException.class);
                }
            });
            Checks.check("timestamp too far back is refused", () -> {
                String topic = Checks.create(admin, "past", 1, Map.of("message.timestamp.before.max.ms", "1000"));
                try (var producer = Clients.producer(Map.of())) {
                    Checks.refused(producer.send(new ProducerRecord<>(topic, 0, 5L, null, new byte[1])), InvalidTimestampException.class);
                }
            });
            Checks.check("append time is what the producer is told", () -> {
                String topic = Checks.create(admin, "append-time", 1, Map.of("message.timestamp.type", "LogAppendTime"));
                long before = System.currentTimeMillis();
                try (var producer = Clients.producer(Map.of())) {
                    long told = producer.send(new ProducerRecord<>(topic, 0, 5L, null, new byte[1])).get().timestamp();
                    Checks.require(told >= before - 1000 && told <= System.currentTimeMillis() + 1000, "told " + told);
                    Checks.equal(OffsetChecks.list(admin, new TopicPartition(topic, 0), OffsetSpec.maxTimestamp()).timestamp(), told);
                }
            });
            Checks.check("idempotent producer with five requests in flight", () -> {
                String topic = Checks.create(admin, "in-flight", 2, Map.of());
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                var settings = Map.<String, Object>of("enable.idempotence", true, "acks", "all", "linger.ms", 0, "batch.size", 200,
                    "max.in.flight.requests.per.connection", 5);
                try (var producer = Clients.producer(settings)) {
                    for (int index = 0; index < 3000; index++) sent.add(producer.send(new ProducerRecord<>(topic, index % 2, null, null, new byte[50])));
                }
                for (int index = 0; index < 3000; index++) Checks.equal(sent.get(index).get().offset(), (long) index / 2);
            });
        }
    }
}
