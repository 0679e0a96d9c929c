// Kafka's own Java client under the conformance driver: `produce`, `read`, `checks` and `member`.
import java.nio.file.Path;

final class Adapter {
    static final String BOOTSTRAP = System.getenv("BOOTSTRAP");

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "produce" -> Produce.all(Path.of(args[1]));
            case "read" -> Read.all(Path.of(args[1]));
            case "checks" -> Checks.all();
            case "member" -> Member.run(args[1]);
            default -> throw new IllegalArgumentException(args[0]);
        }
        // Client threads that hang must not hide as a hung process: everything above has closed what it opened.
        System.out.flush();
        System.exit(0);
    }
}
