/** Starts the page. */

import "@picocss/pico/css/pico.min.css";
import "uplot/dist/uPlot.min.css";
import "./look/tokens.css";
import "./look/base.css";
import { mount } from "svelte";
import App from "./shell/App.svelte";

mount(App, { target: document.querySelector("#app")! });
