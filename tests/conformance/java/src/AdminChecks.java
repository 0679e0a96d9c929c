// Topics, configs, cluster: what Kafka's admin client asks of a broker.
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TopicListing;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

final class AdminChecks {
    static void all() {
        try (Admin admin = Clients.admin()) {
            topics(admin);
            partitions(admin);
            configs(admin);
            cluster(admin);
        }
    }

    private static void topics(Admin admin) {
        Checks.check("create topic answers id, partitions and configs", () -> {
            var result = admin.createTopics(Set.of(new NewTopic("java.check.created", Optional.of(4), Optional.empty())
                .configs(Map.of("retention.ms", "1234567"))));
            Checks.equal(result.numPartitions("java.check.created").get(), 4);
            Checks.equal(result.replicationFactor("java.check.created").get(), 1);
            Checks.require(!result.topicId("java.check.created").get().equals(Uuid.ZERO_UUID), "zero topic id");
            Checks.equal(result.config("java.check.created").get().get("retention.ms").value(), "1234567");
        });
        Checks.check("create existing topic is refused", () -> {
            String topic = Checks.create(admin, "twice", 1, Map.of());
            Checks.refused(admin.createTopics(Set.of(new NewTopic(topic, 1, (short) 1))).all(), TopicExistsException.class);
        });
        Checks.check("create topic with a bad name is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("no/slash", 1, (short) 1))).all(), InvalidTopicException.class));
        Checks.check("create topic with an overlong name is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("x".repeat(250), 1, (short) 1))).all(), InvalidTopicException.class));
        Checks.check("create topic without partitions is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("java.check.none", 0, (short) 1))).all(), InvalidPartitionsException.class));
        Checks.check("create topic with too many replicas is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("java.check.replicas", 1, (short) 3))).all(), InvalidReplicationFactorException.class));
        Checks.check("create topic with an unknown config is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("java.check.bad", 1, (short) 1).configs(Map.of("no.such.thing", "1")))).all(),
            InvalidConfigurationException.class));
        Checks.check("create topic with a bad config value is refused", () -> Checks.refused(
            admin.createTopics(Set.of(new NewTopic("java.check.bad", 1, (short) 1).configs(Map.of("retention.ms", "soon")))).all(),
            InvalidConfigurationException.class));
        Checks.check("create topic with manual assignment", () -> {
            int broker = admin.describeCluster().controller().get().id();
            admin.createTopics(Set.of(new NewTopic("java.check.assigned", Map.of(0, List.of(broker), 1, List.of(broker))))).all().get();
            Checks.eventually(() -> Checks.equal(describe(admin, "java.check.assigned").partitions().size(), 2));
        });
        Checks.check("validate only creates nothing", () -> {
            admin.createTopics(Set.of(new NewTopic("java.check.ghost", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
            Checks.require(!admin.listTopics().names().get().contains("java.check.ghost"), "the topic exists");
        });
        Checks.check("list topics names ids and hides internals", () -> {
            String topic = Checks.create(admin, "listed", 1, Map.of());
            Collection<TopicListing> topics = admin.listTopics().listings().get();
            TopicListing listing = topics.stream().filter(t -> t.name().equals(topic)).findFirst().orElseThrow();
            Checks.equal(listing.topicId(), describe(admin, topic).topicId());
            Checks.require(topics.stream().noneMatch(t -> t.isInternal() || t.name().startsWith("__")), "an internal topic is listed");
        });
        Checks.check("describe topic by name", () -> {
            String topic = Checks.create(admin, "described", 3, Map.of());
            TopicDescription description = describe(admin, topic);
            int broker = admin.describeCluster().nodes().get().iterator().next().id();
            Checks.equal(description.partitions().size(), 3);
            for (int index = 0; index < 3; index++) {
                var partition = description.partitions().get(index);
                Checks.equal(partition.partition(), index);
                Checks.equal(partition.leader().id(), broker);
                Checks.equal(partition.replicas().size(), 1);
                Checks.equal(partition.isr().size(), 1);
            }
        });
        Checks.check("describe topic by id", () -> {
            String topic = Checks.create(admin, "by-id", 2, Map.of());
            Uuid id = describe(admin, topic).topicId();
            var byId = admin.describeTopics(TopicCollection.ofTopicIds(Set.of(id))).allTopicIds().get();
            Checks.equal(byId.get(id).name(), topic);
        });
        Checks.check("describe unknown topic is refused", () -> Checks.refused(
            admin.describeTopics(Set.of("java.check.unknown")).allTopicNames(), UnknownTopicOrPartitionException.class));
        Checks.check("describe unknown topic id is refused", () -> Checks.refused(
            admin.describeTopics(TopicCollection.ofTopicIds(Set.of(Uuid.randomUuid()))).allTopicIds(), UnknownTopicIdException.class));
        Checks.check("delete topic by name", () -> {
            String topic = Checks.create(admin, "deleted", 2, Map.of());
            Uuid id = describe(admin, topic).topicId();
            admin.deleteTopics(Set.of(topic)).all().get();
            Checks.eventually(() -> Checks.require(!admin.listTopics().names().get().contains(topic), "still listed"));
            Checks.require(!id.equals(describe(admin, Checks.create(admin, "deleted", 1, Map.of())).topicId()), "the id is used again");
        });
        Checks.check("delete topic by id", () -> {
            String topic = Checks.create(admin, "deleted-by-id", 2, Map.of());
            admin.deleteTopics(TopicCollection.ofTopicIds(Set.of(describe(admin, topic).topicId()))).all().get();
            Checks.eventually(() -> Checks.require(!admin.listTopics().names().get().contains(topic), "still listed"));
        });
        Checks.check("delete unknown topic is refused", () -> Checks.refused(
            admin.deleteTopics(Set.of("java.check.unknown")).all(), UnknownTopicOrPartitionException.class));
    }

    private static void partitions(Admin admin) {
        Checks.check("create partitions", () -> {
            String topic = Checks.create(admin, "grown", 2, Map.of());
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(7))).all().get();
            Checks.eventually(() -> Checks.equal(describe(admin, topic).partitions().size(), 7));
        });
        Checks.check("create fewer partitions is refused", () -> {
            String topic = Checks.create(admin, "shrunk", 3, Map.of());
            Checks.refused(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all(), InvalidPartitionsException.class);
        });
        Checks.check("create partitions of an unknown topic is refused", () -> Checks.refused(
            admin.createPartitions(Map.of("java.check.unknown", NewPartitions.increaseTo(2))).all(), UnknownTopicOrPartitionException.class));
        Checks.check("log directories name every partition", () -> {
            String topic = Checks.create(admin, "on-disk", 3, Map.of());
            int broker = admin.describeCluster().nodes().get().iterator().next().id();
            Checks.eventually(() -> {
                var directories = admin.describeLogDirs(Set.of(broker)).allDescriptions().get().get(broker).values();
                Checks.equal(directories.stream().flatMap(d -> d.replicaInfos().keySet().stream()).filter(p -> p.topic().equals(topic)).count(), 3L);
            });
        });
    }

    private static void configs(Admin admin) {
        Checks.check("describe topic configs tells defaults from settings", () -> {
            String topic = Checks.create(admin, "configs", 1, Map.of("max.message.bytes", "2000000"));
            Config config = config(admin, topic);
            Checks.equal(config.get("max.message.bytes").value(), "2000000");
            Checks.equal(config.get("max.message.bytes").source(), ConfigSource.DYNAMIC_TOPIC_CONFIG);
            Checks.equal(config.get("retention.ms").value(), "604800000");
            Checks.equal(config.get("retention.ms").source(), ConfigSource.DEFAULT_CONFIG);
            Checks.equal(config.get("cleanup.policy").value(), "delete");
            Checks.equal(config.get("cleanup.policy").type(), ConfigEntry.ConfigType.LIST);
        });
        Checks.check("describe topic configs with synonyms and documentation", () -> {
            String topic = Checks.create(admin, "synonyms", 1, Map.of("segment.bytes", "99999999"));
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
            ConfigEntry entry = admin.describeConfigs(Set.of(resource), options).all().get().get(resource).get("segment.bytes");
            Checks.require(entry.documentation() != null && entry.documentation().length() > 20, "no documentation");
            Checks.equal(entry.synonyms().get(0).source(), ConfigSource.DYNAMIC_TOPIC_CONFIG);
            Checks.require(entry.synonyms().stream().anyMatch(s -> s.name().equals("log.segment.bytes")), "no broker synonym in " + entry.synonyms());
        });
        Checks.check("incremental alter configs sets and deletes", () -> {
            String topic = Checks.create(admin, "altered", 1, Map.of());
            alter(admin, topic, "retention.bytes", "1000000", AlterConfigOp.OpType.SET);
            Checks.eventually(() -> Checks.equal(config(admin, topic).get("retention.bytes").value(), "1000000"));
            alter(admin, topic, "retention.bytes", "", AlterConfigOp.OpType.DELETE);
            Checks.eventually(() -> Checks.equal(config(admin, topic).get("retention.bytes").value(), "-1"));
        });
        Checks.check("incremental alter configs appends to and subtracts from lists", () -> {
            String topic = Checks.create(admin, "lists", 1, Map.of());
            alter(admin, topic, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
            Checks.eventually(() -> Checks.equal(new HashSet<>(List.of(config(admin, topic).get("cleanup.policy").value().split(","))), Set.of("compact", "delete")));
            alter(admin, topic, "cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT);
            Checks.eventually(() -> Checks.equal(config(admin, topic).get("cleanup.policy").value(), "delete"));
        });
        Checks.check("alter configs with a bad value is refused and changes nothing", () -> {
            String topic = Checks.create(admin, "kept", 1, Map.of());
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            var operation = new AlterConfigOp(new ConfigEntry("compression.type", "brotli"), AlterConfigOp.OpType.SET);
            Checks.refused(admin.incrementalAlterConfigs(Map.of(resource, List.of(operation))).all(), InvalidConfigurationException.class);
            Checks.equal(config(admin, topic).get("compression.type").value(), "producer");
        });
        Checks.check("alter configs of an unknown topic is refused", () -> {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, "java.check.unknown");
            var operation = new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET);
            Checks.refused(admin.incrementalAlterConfigs(Map.of(resource, List.of(operation))).all(), UnknownTopicOrPartitionException.class);
        });
        Checks.check("describe configs of an unknown topic is refused", () -> Checks.refused(
            admin.describeConfigs(Set.of(new ConfigResource(ConfigResource.Type.TOPIC, "java.check.unknown"))).all(),
            UnknownTopicOrPartitionException.class));
        Checks.check("describe broker configs", () -> {
            String broker = admin.describeCluster().nodes().get().iterator().next().idString();
            var resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
            Config config = admin.describeConfigs(Set.of(resource)).all().get().get(resource);
            Checks.equal(config.get("num.partitions").value(), "1");
            Checks.require(config.get("listeners") != null, "no listeners");
        });
    }

    private static void cluster(Admin admin) {
        Checks.check("describe cluster", () -> {
            var cluster = admin.describeCluster();
            Checks.equal(cluster.nodes().get().size(), 1);
            Checks.require(cluster.clusterId().get() != null && !cluster.clusterId().get().isEmpty(), "no cluster id");
            Checks.require(cluster.controller().get() != null, "no controller");
            var node = cluster.nodes().get().iterator().next();
            Checks.equal(node.host() + ":" + node.port(), Adapter.BOOTSTRAP);
        });
        Checks.check("two hundred topics are created and deleted at once", () -> {
            var topics = java.util.stream.IntStream.range(0, 200).mapToObj(n -> new NewTopic("java.check.many-" + n, 1, (short) 1)).toList();
            admin.createTopics(topics).all().get();
            var names = topics.stream().map(NewTopic::name).toList();
            Checks.eventually(() -> Checks.equal(admin.describeTopics(names).allTopicNames().get().size(), 200));
            admin.deleteTopics(names).all().get();
            Checks.eventually(() -> Checks.require(
                admin.listTopics().names().get().stream().noneMatch(name -> name.startsWith("java.check.many-")), "some are left"));
        });
    }

    private static TopicDescription describe(Admin admin, String topic) throws Exception {
        return admin.describeTopics(Set.of(topic)).allTopicNames().get().get(topic);
    }

    private static Config config(Admin admin, String topic) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(Set.of(resource)).all().get().get(resource);
    }

    private static void alter(Admin admin, String topic, String name, String value, AlterConfigOp.OpType operation) throws Exception {
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), operation)))).all().get();
    }
}
