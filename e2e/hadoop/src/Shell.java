package anabranch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.PrivilegedExceptionAction;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.crypto.key.KeyShell;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.tools.CacheAdmin;
import org.apache.hadoop.hdfs.tools.CryptoAdmin;
import org.apache.hadoop.hdfs.tools.DFSAdmin;
import org.apache.hadoop.hdfs.tools.DFSHAAdmin;
import org.apache.hadoop.hdfs.tools.GetGroups;
import org.apache.hadoop.hdfs.tools.federation.RouterAdmin;
import org.apache.hadoop.hdfs.tools.snapshot.LsSnapshottableDir;
import org.apache.hadoop.hdfs.tools.snapshot.SnapshotDiff;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

/**
 * Hadoop's own command line tools, many commands in one JVM: starting one for each costs seconds.
 *
 * <p>A request is one JSON line {@code {"tool":"dfs","user":"alice","conf":{"key":"value"},
 * "args":["-ls","/"],"stdin":""}}; its answer is one line {@code {"exit":0,"stdout":"","stderr":""}}.
 */
public final class Shell {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Shell() {}

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
      answers.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  private static ObjectNode answer(JsonNode request) throws Exception {
    PrintStream stdout = System.out;
    PrintStream stderr = System.err;
    InputStream stdin = System.in;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    ObjectNode answer = JSON.createObjectNode();
    try {
      System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
      System.setIn(new ByteArrayInputStream(request.path("stdin").asText().getBytes(StandardCharsets.UTF_8)));
      answer.put("exit", run(request));
    } catch (Exception e) {
      // As the launcher of a JVM treats what a main method throws.
      e.printStackTrace();
      answer.put("exit", 1);
    } finally {
      FileSystem.closeAll();
      System.setOut(stdout);
      System.setErr(stderr);
      System.setIn(stdin);
    }
    return answer.put("stdout", out.toString(StandardCharsets.UTF_8)).put("stderr", err.toString(StandardCharsets.UTF_8));
  }

  private static int run(JsonNode request) throws Exception {
    List<String> args = new ArrayList<>();
    request.path("args").forEach(arg -> args.add(arg.asText()));
    Configuration conf = new HdfsConfiguration();
    request.path("conf").fields().forEachRemaining(pair -> conf.set(pair.getKey(), pair.getValue().asText()));
    // Each user gets its own file systems, which closeAll() ends with the command.
    UserGroupInformation user = UserGroupInformation.createRemoteUser(request.path("user").asText());
    return user.doAs((PrivilegedExceptionAction<Integer>)
        () -> ToolRunner.run(tool(request.path("tool").asText(), conf), args.toArray(new String[0])));
  }

  private static Tool tool(String name, Configuration conf) {
    switch (name) {
      case "dfs":
        return new FsShell(conf);
      case "dfsadmin":
        return new DFSAdmin(conf);
      case "haadmin":
        DFSHAAdmin admin = new DFSHAAdmin();
        admin.setConf(conf);
        return admin;
      case "groups":
        return new GetGroups(conf);
      case "dfsrouteradmin":
        return new RouterAdmin(conf);
      case "crypto":
        return new CryptoAdmin(conf);
      case "cacheadmin":
        return new CacheAdmin(conf);
      case "lsSnapshottableDir":
        LsSnapshottableDir snapshots = new LsSnapshottableDir();
        snapshots.setConf(conf);
        return snapshots;
      case "snapshotDiff":
        SnapshotDiff changes = new SnapshotDiff();
        changes.setConf(conf);
        return changes;
      case "key":
        KeyShell keys = new KeyShell();
        keys.setConf(conf);
        return keys;
      default:
        throw new IllegalArgumentException("unknown tool " + name);
    }
  }
}
