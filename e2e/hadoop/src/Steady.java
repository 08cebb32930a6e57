package anabranch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hdfs.HdfsConfiguration;

/**
 * A client that keeps one FileSystem, as a service does, and works until someone makes the directory {@code <dir>/stop}:
 * {@code Steady URI DIR}. It prints {@code {"calls":N,"files":N,"errors":["..."]}}.
 */
public final class Steady {
  private static final int MOST_ERRORS = 100;

  private Steady() {}

  public static void main(String[] args) throws Exception {
    Configuration conf = new HdfsConfiguration();
    ObjectMapper json = new ObjectMapper();
    ObjectNode result = json.createObjectNode();
    ArrayNode errors = result.putArray("errors");
    int calls = 0;
    int files = 0;
    try (FileSystem fs = FileSystem.newInstance(URI.create(args[0]), conf)) {
      Path dir = new Path(args[1]);
      boolean stopped = false;
      while (!stopped && errors.size() < MOST_ERRORS) {
        try {
          Path made = new Path(dir, "d" + calls % 50);
          calls++;
          fs.mkdirs(made);
          calls++;
          fs.getFileStatus(made);
          if (calls % 100 < 3) {
            fs.create(new Path(made, "file"), true).close();
            files++;
          }
          calls++;
          stopped = fs.exists(new Path(dir, "stop"));
        } catch (IOException e) {
          errors.add(e.toString());
        }
        Thread.sleep(20);
      }
    }
    System.out.println(json.writeValueAsString(result.put("calls", calls).put("files", files)));
  }
}
