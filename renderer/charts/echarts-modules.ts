/** The parts of ECharts that are used, in a chunk of their own that is loaded with the first chart. */
import { LineChart } from 'echarts/charts';
import {
  DataZoomInsideComponent,
  GridComponent,
  LegendPlainComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
} from 'echarts/components';
import { init, use } from 'echarts/core';
import { LabelLayout } from 'echarts/features';
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers';

use([LineChart, GridComponent, TooltipComponent, LegendPlainComponent, DataZoomInsideComponent]);
use([MarkLineComponent, MarkAreaComponent]);
use([CanvasRenderer, SVGRenderer, LabelLayout]);

export { init };
