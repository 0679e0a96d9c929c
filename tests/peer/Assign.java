import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

/**
 * Oracle for the assignors of consumer groups: one JSON object a line in, one out.
 *
 * In:  {"assignor": "uniform" | "range", "topics": {"hex id": partitions, ...},
 *       "members": [{"id": "...", "instance": "..." | null, "rack": "..." | null, "topics": ["hex id", ...],
 *                    "assigned": {"hex id": [partition, ...], ...}}, ...]}
 * Out: {"member id": {"hex id": [partition, ...], ...}, ...}   what Kafka's assignor gives,
 *      {"error": "..."} where it refuses, or asks for the racks of a partition.
 *
 * Members and topics come in an order, which Kafka is given too; in a broker it is that of its hash maps.
 */
public class Assign {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            if (line.isBlank()) continue;
            ObjectNode out = MAPPER.createObjectNode();
            try {
                answer(MAPPER.readTree(line), out);
            } catch (Throwable t) {
                out.removeAll();
                out.put("error", String.valueOf(t));
            }
            System.out.println(MAPPER.writeValueAsString(out));
        }
    }

    private static void answer(JsonNode q, ObjectNode out) {
        Map<Uuid, Integer> counts = new HashMap<>();
        q.get("topics").fields().forEachRemaining(topic -> counts.put(id(topic.getKey()), topic.getValue().asInt()));
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new LinkedHashMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        Set<Set<Uuid>> subscriptions = new HashSet<>();
        for (JsonNode member : q.get("members")) {
            String name = member.get("id").asText();
            Set<Uuid> topics = new LinkedHashSet<>();
            member.get("topics").forEach(topic -> topics.add(id(topic.asText())));
            subscriptions.add(topics);
            Map<Uuid, Set<Integer>> assigned = new LinkedHashMap<>();
            member.get("assigned").fields().forEachRemaining(topic -> {
                Set<Integer> partitions = new LinkedHashSet<>();
                topic.getValue().forEach(partition -> partitions.add(partition.asInt()));
                assigned.put(id(topic.getKey()), partitions);
                Map<Integer, String> ownersOfTopic = owners.computeIfAbsent(id(topic.getKey()), any -> new HashMap<>());
                partitions.forEach(partition -> ownersOfTopic.put(partition, name));
            });
            Assignment assignment = new Assignment(Collections.unmodifiableMap(assigned));
            members.put(name, new MemberSubscriptionAndAssignmentImpl(text(member, "rack"), text(member, "instance"), topics, assignment));
        }
        SubscriptionType type = subscriptions.size() > 1 ? SubscriptionType.HETEROGENEOUS : SubscriptionType.HOMOGENEOUS;
        ConsumerGroupPartitionAssignor assignor = q.get("assignor").asText().equals("range") ? new RangeAssignor() : new UniformAssignor();
        SubscribedTopicDescriber describer = new SubscribedTopicDescriber() {
            @Override
            public int numPartitions(Uuid topic) {
                return counts.getOrDefault(topic, -1);
            }

            @Override
            public Set<String> racksForPartition(Uuid topic, int partition) {
                throw new UnsupportedOperationException("racks of " + topic + " " + partition);
            }
        };
        assignor.assign(new GroupSpecImpl(members, type, owners), describer).members().forEach((name, given) -> {
            ObjectNode of = out.putObject(name);
            given.partitions().forEach((topic, partitions) -> {
                if (!partitions.isEmpty()) new TreeSet<>(partitions).forEach(of.withArray(hex(topic))::add);
            });
        });
    }

    private static Optional<String> text(JsonNode member, String field) {
        return member.hasNonNull(field) ? Optional.of(member.get(field).asText()) : Optional.empty();
    }

    private static Uuid id(String hex) {
        return new Uuid(HexFormat.fromHexDigitsToLong(hex.substring(0, 16)), HexFormat.fromHexDigitsToLong(hex.substring(16)));
    }

    private static String hex(Uuid id) {
        HexFormat format = HexFormat.of();
        return format.toHexDigits(id.getMostSignificantBits()) + format.toHexDigits(id.getLeastSignificantBits());
    }
}
