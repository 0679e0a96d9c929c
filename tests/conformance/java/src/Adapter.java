// Kafka's own Java client under the conformance driver: `produce`, `read` and `checks`.
import java.nio.file.Path;

final class Adapter {
    static final String BOOTSTRAP = System.getenv("BOOTSTRAP");

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[1]);
        switch (args[0]) {
            case "produce" -> Produce.all(folder);
            case "read" -> Read.all(folder);
            case "checks" -> Checks.all();
            default -> throw new IllegalArgumentException(args[0]);
        }
        // Client threads that hang must not hide as a hung process: everything above has closed what it opened.
        System.out.flush();
        System.exit(0);
    }
}
