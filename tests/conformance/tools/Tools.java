// Runs Kafka's command-line tools one after the other in one JVM, each as its main method sees the world.
//
// Standard input: one JSON object a line, {"main": class, "arguments": [...], "input": text, "background": bool}, or {"wait": true}.
// Standard output: one JSON object a line, {"status": n, "out": text, "err": text}; for one in the background an empty object
// at once, and for "wait" what the one in the background printed.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.security.Permission;
import java.security.Policy;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

public final class Tools {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long TOOL_MS_MAX = 60_000;
    private static final InheritableThreadLocal<Run> CURRENT = new InheritableThreadLocal<>();

    /** What a tool does instead of ending the JVM. */
    private static final class Ended extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** One tool at work; the threads that it starts write to its buffers too. */
    private static final class Run {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final List<Runnable> hooks = Collections.synchronizedList(new ArrayList<>());
        int status;
        volatile boolean ended;
        Thread thread;

        void start(JsonNode order) {
            List<String> arguments = new ArrayList<>();
            order.get("arguments").forEach(argument -> arguments.add(argument.asText()));
            thread = new Thread(() -> {
                main(order.get("main").asText(), arguments.toArray(String[]::new));
                // What a JVM does at its end; producers are closed there.
                ended = false;
                hooks.forEach(Runnable::run);
            });
            thread.start();
        }

        private void main(String name, String[] arguments) {
            CURRENT.set(this);
            try {
                Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
            } catch (InvocationTargetException thrown) {
                failed(thrown.getCause());
            } catch (ReflectiveOperationException thrown) {
                failed(thrown);
            }
        }

        private void failed(Throwable thrown) {
            if (!ended && !(thrown instanceof Ended)) {
                status = 1;
                err.writeBytes(("Exception in thread \"main\" " + thrown + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }

        /** A JVM would be gone now: what the tool makes of being still alive counts no more. */
        void end(int withStatus) {
            if (!ended) {
                status = withStatus;
                ended = true;
            }
            throw new Ended();
        }

        ObjectNode result() throws InterruptedException {
            thread.join(TOOL_MS_MAX);
            ObjectNode result = JSON.createObjectNode();
            result.put("status", thread.isAlive() ? -1 : status);
            result.put("out", out.toString(StandardCharsets.UTF_8));
            result.put("err", err.toString(StandardCharsets.UTF_8));
            return result;
        }
    }

    private static PrintStream divided(PrintStream otherwise, boolean errors) {
        return new PrintStream(new OutputStream() {
            private OutputStream target() {
                Run run = CURRENT.get();
                if (run != null && run.ended) {
                    return OutputStream.nullOutputStream();
                }
                return run == null ? otherwise : errors ? run.err : run.out;
            }

            @Override
            public void write(int data) throws IOException {
                target().write(data);
            }

            @Override
            public void write(byte[] data, int start, int length) throws IOException {
                target().write(data, start, length);
            }
        }, true, StandardCharsets.UTF_8);
    }

    /** Some tools end the JVM themselves. */
    @SuppressWarnings("removal")
    private static void catchExits() {
        Policy.setPolicy(new Policy() {
            @Override
            public boolean implies(ProtectionDomain domain, Permission permission) {
                return true;
            }
        });
        System.setSecurityManager(new SecurityManager() {
            @Override
            public void checkPermission(Permission permission) {}

            @Override
            public void checkExit(int status) {
                if (CURRENT.get() != null) {
                    CURRENT.get().end(status);
                }
            }
        });
    }

    public static void main(String[] ignored) throws Exception {
        PrintStream answers = System.out;
        catchExits();
        Exit.setExitProcedure((status, message) -> CURRENT.get().end(status));
        Exit.setShutdownHookAdder((name, hook) -> CURRENT.get().hooks.add(hook));
        Exit.setHaltProcedure((status, message) -> CURRENT.get().end(status));
        System.setOut(divided(System.err, false));
        System.setErr(divided(System.err, true));
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Run background = null;
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
            JsonNode order = JSON.readTree(line);
            ObjectNode result = JSON.createObjectNode();
            if (order.has("wait")) {
                result = background.result();
            } else {
                System.setIn(new ByteArrayInputStream(order.path("input").asText("").getBytes(StandardCharsets.UTF_8)));
                Run run = new Run();
                run.start(order);
                if (order.path("background").asBoolean()) {
                    background = run;
                } else {
                    result = run.result();
                }
            }
            answers.println(JSON.writeValueAsString(result));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
