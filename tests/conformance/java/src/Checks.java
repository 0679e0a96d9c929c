// Runs the named checks one by one; each has topics of its own, so that one failure spoils no other.
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

final class Checks {
    interface Check {
        void run() throws Exception;
    }

    static void all() {
        AdminChecks.all();
        OffsetChecks.all();
        ProducerChecks.all();
        ConsumerChecks.all();
    }

    static void check(String name, Check check) {
        long start = System.nanoTime();
        try {
            check.run();
            System.out.println("pass " + name);
            System.err.printf("%6d ms  %s%n", (System.nanoTime() - start) / 1_000_000, name);
        } catch (Throwable why) {
            Throwable cause = why instanceof ExecutionException ? why.getCause() : why;
            System.out.println(("fail " + name + ": " + cause).replace('\n', ' '));
            why.printStackTrace();
        }
    }

    static void equal(Object found, Object wanted) {
        if (!wanted.equals(found)) throw new AssertionError("found " + found + ", wanted " + wanted);
    }

    static void require(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    /// The future must fail with exactly this exception.
    static void refused(Future<?> future, Class<? extends Throwable> wanted) throws Exception {
        try {
            Object value = future.get();
            throw new AssertionError("accepted (" + value + "), wanted " + wanted.getSimpleName());
        } catch (ExecutionException why) {
            if (why.getCause().getClass() != wanted) {
                throw new AssertionError("refused with " + why.getCause() + ", wanted " + wanted.getSimpleName());
            }
        }
    }

    static String create(Admin admin, String name, int partitions, Map<String, String> configs) throws Exception {
        String topic = "java.check." + name;
        admin.createTopics(Set.of(new NewTopic(topic, partitions, (short) 1).configs(configs))).all().get();
        eventually(() -> equal(admin.describeTopics(Set.of(topic)).allTopicNames().get().get(topic).partitions().size(), partitions));
        return topic;
    }

    /// Kafka answers a creation before every part of the broker knows of it; so do clusters: what follows may take a moment.
    static void eventually(Check check) throws Exception {
        long until = System.nanoTime() + 20_000_000_000L;
        while (true) {
            try {
                check.run();
                return;
            } catch (AssertionError | ExecutionException why) {
                if (System.nanoTime() > until) throw why;
                Thread.sleep(50);
            }
        }
    }
}
