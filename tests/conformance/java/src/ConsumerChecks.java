// Seeking by offset and by time, offsets out of range, waiting for what is not there yet, a thousand partitions.
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

final class ConsumerChecks {
    static void all() {
        try (Admin admin = Clients.admin()) {
            for (boolean apart : new boolean[] {true, false}) {
                String how = apart ? "ten batches" : "one batch";
                Checks.check("seek by offset, " + how, () -> {
                    TopicPartition partition = OffsetChecks.filled(admin, "seek-" + apart, apart);
                    for (int from = 0; from < 10; from += 3) {
                        Checks.equal(offsets(read(partition, from, 10 - from, Map.of())), range(from, 10));
                    }
                });
            }
            Checks.check("seek by time", () -> {
                TopicPartition partition = OffsetChecks.filled(admin, "seek-time", true);
                try (var consumer = Clients.consumer(Map.of())) {
                    consumer.assign(Set.of(partition));
                    OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, 3001L)).get(partition);
                    Checks.equal(found.offset(), 3L);
                    consumer.seek(partition, found.offset());
                    Checks.equal(offsets(poll(consumer, 7)), range(3, 10));
                }
            });
            Checks.check("seek to beginning and end", () -> {
                TopicPartition partition = OffsetChecks.filled(admin, "seek-ends", true);
                try (var consumer = Clients.consumer(Map.of())) {
                    consumer.assign(Set.of(partition));
                    consumer.seekToEnd(Set.of(partition));
                    Checks.equal(consumer.position(partition), 10L);
                    consumer.seekToBeginning(Set.of(partition));
                    Checks.equal(offsets(poll(consumer, 10)), range(0, 10));
                }
            });
            Checks.check("offset out of range is refused or reset", () -> {
                TopicPartition partition = OffsetChecks.filled(admin, "out-of-range", true);
                admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(5))).all().get();
                Checks.equal(offsets(read(partition, 2, 5, Map.of("auto.offset.reset", "earliest"))), range(5, 10));
                try {
                    read(partition, 99, 1, Map.of());
                    throw new AssertionError("read beyond the end");
                } catch (OffsetOutOfRangeException expected) {
                    Checks.equal(expected.offsetOutOfRangePartitions().get(partition), 99L);
                }
            });
            Checks.check("tiny fetch limits still make progress", () -> {
                TopicPartition partition = OffsetChecks.filled(admin, "tiny", false);
                var settings = Map.<String, Object>of("max.partition.fetch.bytes", 1, "fetch.max.bytes", 1);
                Checks.equal(offsets(read(partition, 0, 10, settings)), range(0, 10));
            });
            Checks.check("read committed sees plain records", () -> {
                TopicPartition partition = OffsetChecks.filled(admin, "committed", true);
                Checks.equal(offsets(read(partition, 0, 10, Map.of("isolation.level", "read_committed"))), range(0, 10));
            });
            Checks.check("a waiting consumer is woken by the append", () -> woken(admin));
            Checks.check("a thousand partitions in one consumer", () -> thousand(admin));
        }
    }

    private static void woken(Admin admin) throws Exception {
        String topic = Checks.create(admin, "woken", 1, Map.of());
        TopicPartition partition = new TopicPartition(topic, 0);
        var settings = Map.<String, Object>of("fetch.max.wait.ms", 6000, "fetch.min.bytes", 1, "request.timeout.ms", 40000);
        try (var consumer = Clients.consumer(settings); var producer = Clients.producer(Map.of("linger.ms", 0))) {
            consumer.assign(Set.of(partition));
            consumer.seek(partition, 0);
            Checks.equal(consumer.poll(Duration.ofMillis(1000)).count(), 0);
            long start = System.nanoTime();
            producer.send(new ProducerRecord<>(topic, 0, null, null, new byte[1])).get();
            Checks.equal(poll(consumer, 1).size(), 1);
            long tookMs = (System.nanoTime() - start) / 1_000_000;
            Checks.require(tookMs < 3000, "woken after " + tookMs + " ms");
        }
    }

    private static void thousand(Admin admin) throws Exception {
        String topic = Checks.create(admin, "thousand", 1000, Map.of());
        List<TopicPartition> partitions = IntStream.range(0, 1000).mapToObj(index -> new TopicPartition(topic, index)).toList();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = Clients.producer(Map.of("enable.idempotence", true, "batch.size", 1000))) {
            for (int round = 0; round < 3; round++) {
                for (int index = 0; index < 1000; index++) sent.add(producer.send(new ProducerRecord<>(topic, index, null, null, new byte[] {(byte) round})));
            }
        }
        for (Future<RecordMetadata> future : sent) future.get();
        Set<String> seen = new HashSet<>();
        try (var consumer = Clients.consumer(Map.of())) {
            consumer.assign(partitions);
            partitions.forEach(partition -> consumer.seek(partition, 0));
            for (ConsumerRecord<byte[], byte[]> record : poll(consumer, 3000)) {
                Checks.equal((long) record.value()[0], record.offset());
                seen.add(record.partition() + "/" + record.offset());
            }
        }
        Checks.equal(seen.size(), 3000);
        admin.deleteTopics(Set.of(topic)).all().get();
    }

    private static List<ConsumerRecord<byte[], byte[]>> read(TopicPartition partition, long from, int count, Map<String, Object> settings) {
        try (var consumer = Clients.consumer(settings)) {
            consumer.assign(Set.of(partition));
            consumer.seek(partition, from);
            return poll(consumer, count);
        }
    }

    private static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        long until = System.nanoTime() + 30_000_000_000L;
        while (found.size() < count && System.nanoTime() < until) consumer.poll(Duration.ofMillis(200)).forEach(found::add);
        return found;
    }

    private static List<Long> offsets(List<ConsumerRecord<byte[], byte[]>> records) {
        return records.stream().map(ConsumerRecord::offset).toList();
    }

    private static List<Long> range(long from, long until) {
        return java.util.stream.LongStream.range(from, until).boxed().toList();
    }
}
