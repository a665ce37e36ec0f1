import { showPage } from "../kit/shell.tsx";
import { Panel } from "./panel.tsx";

showPage(() => <Panel />);
