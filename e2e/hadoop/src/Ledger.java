package anabranch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;

/**
 * Clients that keep a ledger of what they did, one in each directory, which it has for itself:
 * {@code Ledger [-D key=value]... URI DIR... [-- DIR...]}. Each knows what the answer to its next call must be. What ran twice or
 * was lost shows in an answer (a rename that finds no source, a create that finds its file, a delete that finds nothing), in
 * what is read (a record twice), or in the end, when all that there is is compared with the ledgers.
 *
 * <p>A JSON line on standard input is answered by another: {@code "tell"} by
 * {@code {"calls","fewest","slowest_ms","errors"}}, where fewest are the calls of the client that made the fewest;
 * {@code "end"} by the same when the clients have ended, with what was compared: {@code "files"}, {@code "bytes"}. Files in
 * directories after {@code --} may be in several subclusters or places, and so are not concatenated.
 *
 * <p>Other clients do what they are told: {@code {"in":DIR}} makes one with some files in its directory; with {@code "step"}, one
 * of {@link #STEPS}, it makes that step, the first call of which is the one that the step is about, and compares its
 * directory with its ledger. The answer has the {@code "error"} that came of it, if any.
 */
public final class Ledger {
  /** Few enough that each is met often, by all kinds of calls. */
  private static final int FILES = 24;

  /** What clients do. */
  private interface Step {
    void of(Client client) throws IOException;
  }

  private static final Map<String, Step> STEPS = Map.of(
      "create", Client::create,
      "append", Client::append,
      "rename", client -> client.rename(false),
      "rename2", client -> client.rename(true),
      "delete", Client::delete,
      "renameDirectory", Client::renameDirectory,
      "deleteDirectory", Client::deleteDirectory,
      "concat", Client::concat,
      "list", Client::list,
      "read", Client::read);

  /** The names of steps, as often as they are taken. */
  private static final String[] MIX = {
    "create", "create", "append", "append", "rename", "rename2", "delete", "renameDirectory", "deleteDirectory", "concat", "concat",
    "list", "read"
  };

  private final List<Client> clients = new ArrayList<>();
  /** Those that do what they are told, by directory. */
  private final Map<String, Client> led = new TreeMap<>();
  private final List<String> errors = new ArrayList<>();
  private volatile boolean ending;
  private long slowest;

  private Ledger() {}

  public static void main(String[] args) throws Exception {
    Configuration conf = new HdfsConfiguration();
    int at = 0;
    for (; args[at].equals("-D"); at += 2) {
      String[] pair = args[at + 1].split("=", 2);
      conf.set(pair[0], pair[1]);
    }
    URI uri = URI.create(args[at]);
    Ledger ledger = new Ledger();
    List<Thread> threads = new ArrayList<>();
    boolean spread = false;
    for (String dir : Arrays.asList(args).subList(at + 1, args.length)) {
      if (dir.equals("--")) {
        spread = true;
        continue;
      }
      Client client = ledger.new Client(connect(uri, conf), new Path(dir), !spread);
      ledger.clients.add(client);
      threads.add(new Thread(client, dir));
    }
    threads.forEach(Thread::start);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      ObjectNode answer = new ObjectMapper().createObjectNode();
      JsonNode request = new ObjectMapper().readTree(line);
      if (request.isObject()) {
        ledger.lead(request, uri, conf, answer);
        continue;
      }
      if (request.asText().equals("end")) {
        ledger.ending = true;
        for (Thread thread : threads) {
          thread.join();
        }
        ledger.compare(answer);
      }
      ledger.tell(answer);
    }
    Runtime.getRuntime().halt(0);
  }

  private static DistributedFileSystem connect(URI uri, Configuration conf) throws IOException {
    return (DistributedFileSystem) FileSystem.newInstance(uri, conf);
  }

  private void lead(JsonNode request, URI uri, Configuration conf, ObjectNode answer) {
    String dir = request.get("in").asText();
    try {
      Client client = led.get(dir);
      if (client == null) {
        client = new Client(connect(uri, conf), new Path(dir), true);
        led.put(dir, client);
        client.prepare();
      }
      if (request.has("step")) {
        STEPS.get(request.get("step").asText()).of(client);
      }
      client.compare();
    } catch (IOException e) {
      answer.put("error", e.toString());
    }
    System.out.println(answer);
  }

  private void compare(ObjectNode answer) {
    long files = 0;
    long bytes = 0;
    for (Client client : clients) {
      try {
        bytes += client.compare();
        files += client.files.size();
      } catch (IOException e) {
        wrong(client.dir, e);
      }
    }
    answer.put("files", files).put("bytes", bytes);
  }

  private synchronized void tell(ObjectNode answer) {
    answer.put("calls", clients.stream().mapToLong(client -> client.calls).sum());
    answer.put("fewest", clients.stream().mapToLong(client -> client.calls).min().orElse(0));
    answer.put("slowest_ms", slowest / 1_000_000);
    ArrayNode told = answer.putArray("errors");
    errors.forEach(told::add);
    System.out.println(answer);
  }

  private synchronized void called(Client client, long began) {
    client.calls++;
    slowest = Math.max(slowest, System.nanoTime() - began);
  }

  private synchronized void wrong(Path path, IOException e) {
    e.printStackTrace();
    errors.add(Instant.now() + " " + path + ": " + e);
  }

  private static void expect(boolean right, String otherwise) throws IOException {
    if (!right) {
      throw new IOException("LEDGER: " + otherwise);
    }
  }

  /** One directory, and what must be in it. */
  private final class Client implements Runnable {
    private final DistributedFileSystem fs;
    private final Path dir;
    private final boolean concat;
    private final Random random;
    /** Contents by path below the directory. */
    private final TreeMap<String, String> files = new TreeMap<>();
    /** Directories, for each of which there may be files. */
    private final TreeSet<String> dirs = new TreeSet<>();
    private long made;
    /** Steps that it has done; guarded by the ledger. */
    private long calls;

    Client(DistributedFileSystem fs, Path dir, boolean concat) {
      this.fs = fs;
      this.dir = dir;
      this.concat = concat;
      this.random = new Random(dir.hashCode());
    }

    @Override
    public void run() {
      while (!ending) {
        long began = System.nanoTime();
        try {
          step();
        } catch (IOException e) {
          wrong(dir, e);
          // From here on the ledger is only a guess.
          return;
        }
        called(this, began);
      }
    }

    private void step() throws IOException {
      String next = files.size() < 4 ? "create" : files.size() > FILES ? "delete" : MIX[random.nextInt(MIX.length)];
      STEPS.get(next).of(this);
    }

    /** Until every step has what it needs. */
    private void prepare() throws IOException {
      do {
        create();
      } while (dirs.size() < 3 || dirs.stream().anyMatch(parent -> below(parent).size() < 3));
    }

    private void create() throws IOException {
      String parent = dirs.size() < 3 ? "d" + made++ : any(dirs);
      if (dirs.add(parent)) {
        expect(fs.mkdirs(path(parent)), "mkdirs said no: " + parent);
      }
      String name = parent + "/f" + made++;
      String content = record(name);
      write(fs.create(path(name), false), content);
      files.put(name, content);
    }

    private void append() throws IOException {
      String name = any(files.keySet());
      String record = record(name);
      write(fs.append(path(name)), record);
      files.merge(name, record, String::concat);
    }

    private void rename(boolean throwing) throws IOException {
      String from = any(files.keySet());
      String to = any(dirs) + "/r" + made++;
      if (throwing) {
        fs.rename(path(from), path(to), Rename.NONE);
      } else {
        expect(fs.rename(path(from), path(to)), "rename said no: " + from + " to " + to);
      }
      files.put(to, files.remove(from));
    }

    private void delete() throws IOException {
      String name = any(files.keySet());
      expect(fs.delete(path(name), false), "delete said no: " + name);
      files.remove(name);
      expect(!fs.exists(path(name)), "there after it was deleted: " + name);
    }

    private void renameDirectory() throws IOException {
      String from = any(dirs);
      String to = "m" + made++;
      expect(fs.rename(path(from), path(to)), "rename said no: " + from + " to " + to);
      dirs.remove(from);
      dirs.add(to);
      Map<String, String> moved = below(from);
      new ArrayList<>(moved.entrySet()).forEach(
          file -> files.put(to + file.getKey().substring(from.length()), file.getValue()));
      moved.clear();
    }

    private void deleteDirectory() throws IOException {
      String name = any(dirs);
      expect(fs.delete(path(name), true), "delete said no: " + name);
      dirs.remove(name);
      below(name).clear();
    }

    private void concat() throws IOException {
      // HDFS takes the files of one directory only.
      List<String> names = new ArrayList<>(below(any(dirs)).keySet());
      Collections.shuffle(names, random);
      if (!concat || names.size() < 3) {
        return;
      }
      String target = names.get(0);
      List<String> sources = names.subList(1, 3);
      fs.concat(path(target), sources.stream().map(this::path).toArray(Path[]::new));
      sources.forEach(source -> files.merge(target, files.remove(source), String::concat));
    }

    private void list() throws IOException {
      String parent = any(dirs);
      Set<String> found = new TreeSet<>();
      for (FileStatus status : fs.listStatus(path(parent))) {
        found.add(below(status.getPath()));
      }
      expect(found.equals(below(parent).keySet()), "listed: " + found + ", not " + below(parent).keySet());
    }

    private void read() throws IOException {
      String name = any(files.keySet());
      expect(read(path(name)).equals(files.get(name)), "another content: " + name);
    }

    /** All that there is against the ledger; how many bytes that is. */
    private long compare() throws IOException {
      Map<String, String> found = new TreeMap<>();
      long bytes = 0;
      RemoteIterator<LocatedFileStatus> all = fs.listFiles(dir, true);
      while (all.hasNext()) {
        Path file = all.next().getPath();
        String content = read(file);
        found.put(below(file), content);
        bytes += content.length();
      }
      expect(found.keySet().equals(files.keySet()), "there is " + found.keySet() + ", not " + files.keySet());
      for (Map.Entry<String, String> file : files.entrySet()) {
        String content = found.get(file.getKey());
        expect(content.equals(file.getValue()), file.getKey() + " has " + content + ", not " + file.getValue());
      }
      return bytes;
    }

    private void write(OutputStream out, String content) throws IOException {
      try (OutputStream closing = out) {
        closing.write(content.getBytes(StandardCharsets.UTF_8));
      }
    }

    private String read(Path file) throws IOException {
      try (InputStream in = fs.open(file)) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    }

    private Path path(String name) {
      return new Path(dir, name);
    }

    private String below(Path path) {
      return path.toUri().getPath().substring(dir.toUri().getPath().length() + 1);
    }

    private Map<String, String> below(String parent) {
      return files.subMap(parent + "/", parent + "0");
    }

    /** Tells who wrote it, and is never written again. */
    private String record(String name) {
      return name + "#" + made++ + ";";
    }

    private String any(Set<String> names) {
      return new ArrayList<>(names).get(random.nextInt(names.size()));
    }
  }
}
