// One group member, in either protocol; what it prints is told in driver/membership.py.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

final class Member implements ConsumerRebalanceListener {
    private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";
    private static volatile boolean goesOn = true;

    static void run(String text) throws Exception {
        JsonNode options = new ObjectMapper().readTree(text);
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            goesOn = false;
            try {
                main.join(20_000);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        try (KafkaConsumer<byte[], byte[]> consumer = Clients.consumer(settings(options))) {
            consumer.subscribe(List.of(options.get("topic").asText()), new Member());
            while (goesOn) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
                if (!records.isEmpty()) {
                    read(consumer, records);
                }
            }
        }
        say("closed", "");
        // The hook runs already where SIGTERM ended the loop, and exit() would wait for it.
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static Map<String, Object> settings(JsonNode options) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("group.id", options.get("group").asText());
        settings.put("group.protocol", options.get("protocol").asText());
        settings.put("auto.offset.reset", "earliest");
        settings.put("reconnect.backoff.max.ms", 500);
        if (options.hasNonNull("instance")) {
            settings.put("group.instance.id", options.get("instance").asText());
        }
        String assignor = options.get("assignor").asText();
        if (options.get("protocol").asText().equals("consumer")) {
            settings.put("group.remote.assignor", assignor);
        } else {
            String name = assignor.equals("range") ? "RangeAssignor" : "CooperativeStickyAssignor";
            settings.put("partition.assignment.strategy", ASSIGNORS + name);
            settings.put("session.timeout.ms", options.get("session_ms").asInt());
            settings.put("heartbeat.interval.ms", options.get("heartbeat_ms").asInt());
        }
        return settings;
    }

    private static void read(KafkaConsumer<byte[], byte[]> consumer, ConsumerRecords<byte[], byte[]> records) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        Map<Integer, Long> told = new TreeMap<>();
        for (TopicPartition place : records.partitions()) {
            long first = -1;
            long last = -2;
            for (ConsumerRecord<byte[], byte[]> record : records.records(place)) {
                if (first >= 0 && record.offset() != last + 1) {
                    tell(place, first, last);
                    first = -1;
                }
                first = first < 0 ? record.offset() : first;
                last = record.offset();
            }
            tell(place, first, last);
            offsets.put(place, new OffsetAndMetadata(last + 1));
            told.put(place.partition(), last + 1);
        }
        try {
            consumer.commitSync(offsets);
            String pairs = told.entrySet().stream().map(e -> "\"" + e.getKey() + "\":" + e.getValue()).collect(Collectors.joining(","));
            say("committed", ",\"o\":{" + pairs + "}");
        } catch (KafkaException refused) {
            say("refused", ",\"why\":\"" + refused.toString().replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"");
        }
    }

    private static void tell(TopicPartition place, long first, long last) {
        say("records", ",\"p\":" + place.partition() + ",\"f\":" + first + ",\"l\":" + last);
    }

    private static void say(String event, String fields) {
        System.out.println("{\"t\":" + System.currentTimeMillis() + ",\"e\":\"" + event + "\"" + fields + "}");
    }

    private static void partitions(String event, Collection<TopicPartition> places) {
        say(event, ",\"p\":" + places.stream().map(TopicPartition::partition).sorted().toList());
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> places) {
        partitions("assigned", places);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> places) {
        partitions("revoked", places);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> places) {
        partitions("lost", places);
    }
}
