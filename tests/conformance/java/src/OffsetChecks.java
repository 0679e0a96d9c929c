// List offsets with every special timestamp, delete records, producers' state.
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

final class OffsetChecks {
    /// Timestamps of the ten records in each topic here: not in order, so that the maximum is not the last.
    private static final long[] TIMES = {1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000};

    static void all() {
        try (Admin admin = Clients.admin()) {
            Checks.check("list offsets of an empty partition", () -> {
                TopicPartition partition = new TopicPartition(Checks.create(admin, "empty", 1, Map.of()), 0);
                Checks.equal(list(admin, partition, OffsetSpec.earliest()).offset(), 0L);
                Checks.equal(list(admin, partition, OffsetSpec.latest()).offset(), 0L);
                Checks.equal(list(admin, partition, OffsetSpec.maxTimestamp()).offset(), -1L);
                Checks.equal(list(admin, partition, OffsetSpec.forTimestamp(5)).offset(), -1L);
            });
            for (boolean apart : new boolean[] {true, false}) {
                String how = apart ? "ten batches" : "one batch";
                Checks.check("list offsets earliest, latest, local, " + how, () -> {
                    TopicPartition partition = filled(admin, "offsets-" + apart, apart);
                    Checks.equal(list(admin, partition, OffsetSpec.earliest()).offset(), 0L);
                    Checks.equal(list(admin, partition, OffsetSpec.latest()).offset(), 10L);
                    Checks.equal(list(admin, partition, OffsetSpec.latest()).timestamp(), -1L);
                    Checks.equal(list(admin, partition, OffsetSpec.earliestLocal()).offset(), 0L);
                    Checks.equal(list(admin, partition, OffsetSpec.latestTiered()).offset(), -1L);
                });
                Checks.check("list offsets by timestamp, " + how, () -> {
                    TopicPartition partition = filled(admin, "times-" + apart, apart);
                    expect(list(admin, partition, OffsetSpec.forTimestamp(0)), 0, 1000);
                    expect(list(admin, partition, OffsetSpec.forTimestamp(1001)), 1, 2000);
                    expect(list(admin, partition, OffsetSpec.forTimestamp(3500)), 3, 9000);
                    expect(list(admin, partition, OffsetSpec.forTimestamp(9000)), 3, 9000);
                    expect(list(admin, partition, OffsetSpec.forTimestamp(9001)), -1, -1);
                });
                Checks.check("list offsets of the maximum timestamp, " + how, () ->
                    expect(list(admin, filled(admin, "max-" + apart, apart), OffsetSpec.maxTimestamp()), 3, 9000));
            }
            Checks.check("list offsets of an unknown topic is refused", () -> Checks.refused(
                admin.listOffsets(Map.of(new TopicPartition("java.check.unknown", 0), OffsetSpec.latest()),
                    new org.apache.kafka.clients.admin.ListOffsetsOptions().timeoutMs(3000)).all(),
                UnknownTopicOrPartitionException.class));
            deletions(admin);
            Checks.check("describe producers", () -> {
                String topic = Checks.create(admin, "producers", 1, Map.of());
                try (var producer = Clients.producer(Map.of("enable.idempotence", true))) {
                    producer.send(new ProducerRecord<>(topic, 0, null, null, new byte[5])).get();
                    producer.send(new ProducerRecord<>(topic, 0, null, null, new byte[5])).get();
                }
                var partition = new TopicPartition(topic, 0);
                var producers = admin.describeProducers(Set.of(partition)).all().get().get(partition).activeProducers();
                Checks.equal(producers.size(), 1);
                Checks.equal(producers.get(0).lastSequence(), 1);
                Checks.equal(producers.get(0).producerEpoch(), 0);
            });
        }
    }

    private static void deletions(Admin admin) {
        Checks.check("delete records moves the start", () -> {
            TopicPartition partition = filled(admin, "trimmed", true);
            Checks.equal(delete(admin, partition, 4), 4L);
            Checks.equal(list(admin, partition, OffsetSpec.earliest()).offset(), 4L);
            Checks.equal(list(admin, partition, OffsetSpec.latest()).offset(), 10L);
            expect(list(admin, partition, OffsetSpec.forTimestamp(0)), 4, 4000);
        });
        Checks.check("delete records inside a batch", () -> {
            TopicPartition partition = filled(admin, "trimmed-inside", false);
            Checks.equal(delete(admin, partition, 4), 4L);
            Checks.equal(list(admin, partition, OffsetSpec.earliest()).offset(), 4L);
        });
        Checks.check("delete all records", () -> {
            TopicPartition partition = filled(admin, "trimmed-all", true);
            Checks.equal(delete(admin, partition, -1), 10L);
            Checks.equal(list(admin, partition, OffsetSpec.earliest()).offset(), 10L);
            Checks.equal(delete(admin, partition, 3), 10L);
        });
        Checks.check("delete records beyond the end is refused", () -> {
            TopicPartition partition = filled(admin, "trimmed-beyond", true);
            Checks.refused(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(11))).all(), OffsetOutOfRangeException.class);
        });
    }

    private static long delete(Admin admin, TopicPartition partition, long before) throws Exception {
        return admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(before))).lowWatermarks().get(partition).get().lowWatermark();
    }

    private static void expect(ListOffsetsResultInfo found, long offset, long timestamp) {
        Checks.equal(found.offset() + "@" + found.timestamp(), offset + "@" + timestamp);
    }

    static ListOffsetsResultInfo list(Admin admin, TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).all().get().get(partition);
    }

    /// A topic of one partition with ten records, value = offset; each a batch of its own when `apart`.
    static TopicPartition filled(Admin admin, String name, boolean apart) throws Exception {
        String topic = Checks.create(admin, name, 1, Map.of());
        try (var producer = Clients.producer(Map.of("linger.ms", 1000))) {
            for (int index = 0; index < TIMES.length; index++) {
                producer.send(new ProducerRecord<>(topic, 0, TIMES[index], null, new byte[] {(byte) index}));
                if (apart) producer.flush();
            }
        }
        return new TopicPartition(topic, 0);
    }
}
