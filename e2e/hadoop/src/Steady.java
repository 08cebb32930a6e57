package anabranch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.HdfsConfiguration;

/**
 * A client that keeps one FileSystem, as a service does, and works in each directory until someone makes {@code <dir>/stop}
 * there: {@code Steady URI DIR...}. Every answer is checked: a file that is created twice, renamed twice or deleted twice is
 * an error, as is an exception. About every second it prints {@code {"calls":N,"files":N,"errors":["..."]}}.
 */
public final class Steady {
  private static final int MOST_ERRORS = 100;

  private final FileSystem fs;
  private final List<String> errors = new ArrayList<>();
  private long calls;
  private long files;

  private Steady(FileSystem fs) {
    this.fs = fs;
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = new HdfsConfiguration();
    try (FileSystem fs = FileSystem.newInstance(URI.create(args[0]), conf)) {
      Steady steady = new Steady(fs);
      CountDownLatch working = new CountDownLatch(args.length - 1);
      for (int i = 1; i < args.length; i++) {
        Path dir = new Path(args[i]);
        new Thread(() -> {
          steady.work(dir);
          working.countDown();
        }, dir.toString()).start();
      }
      while (!working.await(1, TimeUnit.SECONDS)) {
        steady.tell();
      }
      steady.tell();
    }
  }

  private void work(Path dir) {
    try {
      for (int round = 0; !stopped(dir) && !hopeless(); round++) {
        Path made = new Path(dir, "d" + round % 50);
        try {
          round(made, round);
        } catch (IOException e) {
          wrong(made, e.toString());
          forget(made);
        }
        Thread.sleep(20);
      }
    } catch (InterruptedException e) {
      wrong(dir, e.toString());
    }
  }

  /** Files with content now and then: they cost more. */
  private void round(Path made, int round) throws IOException {
    byte[] content = round % 10 == 0 ? ("round " + round).getBytes(StandardCharsets.UTF_8) : new byte[0];
    Path first = new Path(made, "first");
    Path second = new Path(made, "second");
    called();
    expect(fs.mkdirs(made), made, "mkdirs said no");
    called();
    try (FSDataOutputStream out = fs.create(first, false)) {
      out.write(content);
    }
    called();
    expect(fs.rename(first, second), first, "rename said no");
    called();
    expect(fs.getFileStatus(second).getLen() == content.length, second, "is of another length");
    if (content.length > 0) {
      called();
      try (FSDataInputStream in = fs.open(second)) {
        byte[] found = new byte[content.length];
        in.readFully(0, found);
        expect(java.util.Arrays.equals(found, content), second, "has another content");
      }
    }
    called();
    expect(!fs.exists(first), first, "is there after it was renamed");
    called();
    expect(fs.delete(second, false), second, "delete said no");
    synchronized (this) {
      files++;
    }
  }

  /** What a failed round left must not look like a fault of the next. */
  private void forget(Path made) throws InterruptedException {
    try {
      fs.delete(made, true);
    } catch (IOException e) {
      Thread.sleep(100);
    }
  }

  private boolean stopped(Path dir) {
    try {
      called();
      return fs.exists(new Path(dir, "stop"));
    } catch (IOException e) {
      wrong(dir, e.toString());
      return false;
    }
  }

  private void expect(boolean right, Path path, String otherwise) {
    if (!right) {
      wrong(path, otherwise);
    }
  }

  private synchronized void called() {
    calls++;
  }

  private synchronized void wrong(Path path, String what) {
    errors.add(Instant.now() + " " + path + ": " + what);
  }

  private synchronized boolean hopeless() {
    return errors.size() >= MOST_ERRORS;
  }

  private synchronized void tell() throws IOException {
    ObjectMapper json = new ObjectMapper();
    ArrayNode told = json.createArrayNode();
    errors.forEach(told::add);
    System.out.println(json.writeValueAsString(json.createObjectNode()
        .put("calls", calls).put("files", files).set("errors", told)));
  }
}
